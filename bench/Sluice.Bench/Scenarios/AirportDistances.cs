namespace Sluice.Bench;

/// <summary>The main job of the samples, computing alone: every distance between the airports of a gazetteer, added up.</summary>
internal static class AirportDistances
{
    private const long Rows = 7_698;
    private const long QuickRows = 1_800;

    // The stages of the last count that was asked for: a gazetteer is not part of the measurement.
    private static AirportStages stages = new(0);

    public static Scenario Scenario { get; } = new("airports", "all 29.6 M distances of 7,698 airports, through the sample's stages, summed",
    [
        new Comparison("airports", Rows, QuickRows, Expected,
        [
            Variant.Of("hand-loop", HandLoop),
        ]) { Items = Pairs, WarmCount = 120, Tolerance = 1e-9 },
        new Comparison("airports-parallel", Rows, QuickRows, Expected,
        [
            Variant.Of("parallel-for", ParallelFor),
        ]) { Items = Pairs, WarmCount = 120, Tolerance = 1e-9 },
    ]);

    private static AirportStages StagesFor(long rows)
    {
        if (stages.Airports.Length != rows) stages = new AirportStages((int)rows);
        return stages;
    }

    private static double HandLoop(long rows)
    {
        var job = StagesFor(rows);
        var airports = job.Airports;
        double sum = 0;
        for (var i = 0; i < airports.Length; i++)
            for (var j = i + 1; j < airports.Length; j++)
                sum += AirportStages.Distance(job.Geocode((airports[i], airports[j]))).Km;
        return sum;
    }

    // Rows are handed out one by one, for the first is the longest; a thread adds up its own.
    private static double ParallelFor(long rows)
    {
        var job = StagesFor(rows);
        var airports = job.Airports;
        double total = 0;
        var gate = new Lock();
        System.Threading.Tasks.Parallel.For(
            0,
            airports.Length,
            static () => 0.0,
            (i, _, sum) =>
            {
                for (var j = i + 1; j < airports.Length; j++)
                    sum += AirportStages.Distance(job.Geocode((airports[i], airports[j]))).Km;
                return sum;
            },
            sum =>
            {
                lock (gate) total += sum;
            });
        return total;
    }

    private static long Pairs(long rows) => rows * (rows - 1) / 2;

    private static double Expected(long rows)
    {
        var job = StagesFor(rows);
        return AirportStages.AllPairs(job.Airports).Sum(pair => AirportStages.Distance(job.Geocode(pair)).Km);
    }
}
