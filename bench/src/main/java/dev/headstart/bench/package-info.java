/**
 * Benchmarks, side by side with the same work done by a bare loop over ONNX Runtime's Java API.
 * Read ratios within one run: the machine's figures differ from day to day.
 *
 * <pre>
 * mvn -q -B -DskipTests package
 * java -cp "bench/target/classes:bench/target/lib/*" org.openjdk.jmh.Main TrainStep
 * java -cp "bench/target/classes:bench/target/lib/*" org.openjdk.jmh.Main Features -p photos=DIR
 * java -cp "bench/target/classes:bench/target/lib/*" org.openjdk.jmh.Main AdviceBenchmark
 * java -cp "bench/target/classes:bench/target/lib/*" org.openjdk.jmh.Main InferenceBenchmark
 * java -cp "bench/target/classes:bench/target/lib/*" org.openjdk.jmh.Main StackedHeads
 * java -cp "bench/target/classes:bench/target/lib/*" dev.headstart.bench.TrainingBenchmark ../shared 20
 * java -cp "bench/target/classes:bench/target/lib/*" dev.headstart.bench.LearningBenchmark
 * </pre>
 */
package dev.headstart.bench;
