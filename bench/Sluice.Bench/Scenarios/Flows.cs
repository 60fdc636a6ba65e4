using Sluice.Graphs;

namespace Sluice.Bench;

/// <summary>Two sources, a transform, two destinations; some of each wait, some hold their thread. Values by name, time per call.</summary>
internal static class Flows
{
    private static readonly DataFlow Flow = DataFlow.From(SourceAsync, Target) | Compare | (LogAsync, Notify);

    public static Scenario Scenario { get; } = new("dataflow", "two sources, a transform, two destinations, by name, per call",
    [
        new("dataflow", 50_000, 20_000, Expected,
        [
            Variant.OfTask(Variant.Ours, async count =>
            {
                double sum = 0;
                for (int i = 0; i < count; i++)
                {
                    var log = new Log();
                    DataFlowResult result = await Flow.RunAsync(new { sourceRow = i, targetRow = i + 1, log });
                    sum += result.Get<int>("missing") + log.Sum;
                }
                return sum;
            }),
            Variant.OfTask("hand-written", async count =>
            {
                double sum = 0;
                for (int i = 0; i < count; i++)
                {
                    var log = new Log();
                    sum += await ByHandAsync(i, i + 1, log) + log.Sum;
                }
                return sum;
            }),
        ]),
    ]);

    // A function that holds its thread runs on another thread, as in a flow.
    private static async Task<int> ByHandAsync(int sourceRow, int targetRow, Log log)
    {
        Task<Row> target = Task.Run(() => Target(targetRow));
        Row source = await SourceAsync(sourceRow, log);
        Row other = await target;
        var (missing, changed, sameLog) = await Task.Run(() => Compare(source, other));
        Task notify = Task.Run(() => Notify(changed, sameLog));
        await LogAsync(missing, sameLog);
        await notify;
        return missing;
    }

    private static async Task<Row> SourceAsync(int sourceRow, Log log)
    {
        await Task.Yield();
        return new(sourceRow, log);
    }

    private static Row Target(int targetRow) => new(targetRow, null);

    private static (int missing, int changed, Log log) Compare(Row source, Row target)
        => (target.Number & 0xFF, target.Number - source.Number, source.Log!);

    private static async Task LogAsync(int missing, Log log)
    {
        await Task.Yield();
        log.Add(missing);
    }

    private static void Notify(int changed, Log log) => log.Add(changed);

    private static double Expected(long count)
    {
        double sum = 0;
        for (long i = 0; i < count; i++) sum += (2 * ((i + 1) & 0xFF)) + 1;
        return sum;
    }

    private sealed class Row(int number, Log? log)
    {
        public int Number => number;

        public Log? Log => log;
    }

    private sealed class Log
    {
        private int sum;

        public int Sum => sum;

        public void Add(int value) => Interlocked.Add(ref sum, value);
    }
}
