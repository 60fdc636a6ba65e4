namespace Sluice.Bench;

/// <summary>Structures of 64 bytes through ten maps.</summary>
internal static class Wide
{
    private static readonly Func<Row, Row>[] Steps =
    [
        row => row with { A = row.A + 1 }, row => row with { B = row.B ^ 3 }, row => row with { C = row.C - 2 },
        row => row with { D = row.D + 7 }, row => row with { E = row.E ^ 5 }, row => row with { F = row.F + 11 },
        row => row with { G = row.G - 13 }, row => row with { H = row.H ^ 17 }, row => row with { A = row.A + row.H },
        row => row with { B = row.B - row.G },
    ];

    public static Scenario Scenario { get; } = new("wide", "structures of 64 bytes through ten maps",
    [
        new Comparison("wide", 1_000_000, 300_000, Expected,
        [
            Variant.OfTask(Variant.Ours, SluiceAsync),
            Variant.Of("linq", Linq),
        ]),
    ]);

    private static async Task<double> SluiceAsync(long count)
    {
        long sum = 0;
        Source<Row> source = Source.Range(0, count) | Row.Of;
        foreach (Func<Row, Row> step in Steps) source = source | step;
        Pipeline pipeline = source | (row => { sum += row.Sum; });
        await pipeline.RunAsync(Chain.OnThisThread);
        return sum;
    }

    private static double Linq(long count)
    {
        long sum = 0;
        IEnumerable<Row> query = Numbers.Range(count).Select(Row.Of);
        foreach (Func<Row, Row> step in Steps) query = query.Select(step);
        foreach (Row row in query) sum += row.Sum;
        return sum;
    }

    private static double Expected(long count)
    {
        long sum = 0;
        for (long i = 0; i < count; i++)
        {
            long g = i - 13, h = i ^ 17;
            sum += i + 1 + h + (i ^ 3) - g + (i - 2) + (i + 7) + (i ^ 5) + (i + 11) + g + h;
        }
        return sum;
    }

    private readonly record struct Row(long A, long B, long C, long D, long E, long F, long G, long H)
    {
        public long Sum => A + B + C + D + E + F + G + H;

        public static Row Of(long number) => new(number, number, number, number, number, number, number, number);
    }
}
