package dev.headstart.gradient;

import dev.headstart.onnx.Value;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntPredicate;

/** Rules by operator, with what is said of their inputs. Filled by the families of rules. */
final class RuleTable {

  /** The gradient of one input of a node. */
  @FunctionalInterface
  interface Rule {
    Value gradient(ForwardNode n, Algebra g);
  }

  /** The gradients of all inputs of a node at once, null where an input has none. */
  @FunctionalInterface
  interface Joint {
    List<Value> gradients(ForwardNode n, Algebra g);
  }

  /** The gradient of input {@code i} of a node that treats all of its inputs alike. */
  @FunctionalInterface
  interface Each {
    Value gradient(ForwardNode n, int i, Algebra g);
  }

  /** What the table holds of one operator. */
  sealed interface Entry {
    /** A rule for each of the first inputs; further inputs have none. */
    record PerInput(List<Rule> rules) implements Entry {}

    record Variadic(Each rule) implements Entry {}

    record Together(Joint rule) implements Entry {}

    default boolean covers(int input) {
      return !(this instanceof PerInput p) || input < p.rules().size();
    }
  }

  /** Which axes of an input broadcast. */
  enum Broadcast {
    NONE,
    /** All, against the other inputs. */
    ELEMENTWISE,
    /** All, one way, to the shape of the output. */
    TO_OUTPUT,
    /** Those before the last two. */
    LEADING,
    /** All, one way, to the shape in which the rule gives the gradient. */
    TO_GRADIENT
  }

  @FunctionalInterface
  interface Broadcasting {
    Broadcast of(ForwardNode n, int input);
  }

  private final Map<String, Entry> entries = new LinkedHashMap<>();
  private final Map<String, Broadcasting> broadcasting = new HashMap<>();
  private final Map<String, Set<Integer>> stopInputs = new HashMap<>();
  private final Map<String, IntPredicate> settings = new HashMap<>();

  /** A rule for each of the operator's first inputs; further inputs have none. */
  void rule(String operator, Rule... rules) {
    add(operator, new Entry.PerInput(List.of(rules)));
  }

  /** One rule for all of the operator's inputs. */
  void variadic(String operator, Each rule) {
    add(operator, new Entry.Variadic(rule));
  }

  /** One rule that gives the gradients of all inputs. */
  void joint(String operator, Joint rule) {
    add(operator, new Entry.Together(rule));
  }

  private void add(String operator, Entry entry) {
    if (entries.put(operator, entry) != null) {
      throw new IllegalStateException("two rules for " + operator);
    }
  }

  /** Inputs at which differentiation ends: counts, shapes, indices, conditions. */
  void stop(String operator, Integer... inputs) {
    stopInputs.put(operator, Set.of(inputs));
  }

  /**
   * Inputs that have a gradient, but that are no parameters where they are constants: the 2 of a
   * square, the smallest length of a vector.
   */
  void setting(String operator, IntPredicate inputs) {
    settings.put(operator, inputs);
  }

  /** How an operator's inputs broadcast; unsaid, they do not. */
  void broadcasting(String operator, Broadcasting how) {
    broadcasting.put(operator, how);
  }

  Set<String> operators() {
    return Collections.unmodifiableSet(entries.keySet());
  }

  Entry entry(String operator) {
    return entries.get(operator);
  }

  boolean stops(String operator, int input) {
    return stopInputs.getOrDefault(operator, Set.of()).contains(input);
  }

  boolean isSetting(String operator, int input) {
    return settings.containsKey(operator) && settings.get(operator).test(input);
  }

  Broadcast broadcast(String operator, ForwardNode n, int input) {
    Broadcasting how = broadcasting.get(operator);
    return how == null ? Broadcast.NONE : how.of(n, input);
  }
}
