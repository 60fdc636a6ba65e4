using Airports;

namespace Sluice.Bench;

/// <summary>The main computation of the samples: the sum of all distances between the airports of a gazetteer.</summary>
internal static class AirportDistances
{
    private const long Rows = 7_698;
    private const long QuickRows = 1_800;

    public static Scenario Scenario { get; } = new("airports",
        "all 29.6 M distances of 7,698 airports, through the sample's stages, summed",
    [
        new Comparison("airports", Rows, QuickRows, Expected,
        [
            Variant.OfTask(Variant.Ours, SluiceAsync),
            Variant.Of("hand-loop", HandLoop),
        ]) { Items = Pairs, WarmCount = 120, Tolerance = 1e-9 },
        new Comparison("airports-parallel", Rows, QuickRows, Expected,
        [
            Variant.OfTask(Variant.Ours, SluiceParallelAsync),
            Variant.Of("parallel-for", ParallelFor),
            Variant.OfTask("in-order", SluiceInOrderAsync),
        ]) { Items = Pairs, WarmCount = 120, Tolerance = 1e-9 },
    ]);

    // As in the sample: an origin stands for hundreds of pairs.
    private static readonly RunOptions InLanes = new() { MaxBufferedItems = 32 };

    private static async Task<double> SluiceAsync(long rows)
    {
        var generated = GeneratedAirports.Of(rows);
        double sum = 0;
        var pipeline = Source.From(Stages.Origins(generated.List))
            | Stages.AllPairs
            | generated.Gazetteer.Geocode
            | Stages.Distance
            | (distance => { sum += distance.Km; });
        await pipeline.RunAsync(Chain.OnThisThread);
        return sum;
    }

    // Each lane sums its own distances, as each thread of the rival does.
    private static async Task<double> SluiceParallelAsync(long rows)
    {
        double sum = 0;
        var pipeline = Distances(rows).Aggregate(0.0, static (sum, distance) => sum + distance.Km, static (sum, other) => sum + other)
            | (total => { sum = total; });
        await pipeline.RunAsync(InLanes);
        return sum;
    }

    // All distances come to one place in their order, which the rival does not offer.
    private static async Task<double> SluiceInOrderAsync(long rows)
    {
        double sum = 0;
        var pipeline = Distances(rows) | (distance => { sum += distance.Km; });
        await pipeline.RunAsync(InLanes);
        return sum;
    }

    private static Source<PairDistance> Distances(long rows)
    {
        var generated = GeneratedAirports.Of(rows);
        StagePolicy lanes = Stage.Parallel(Environment.ProcessorCount);
        return Source.From(Stages.Origins(generated.List))
            | Stages.AllPairs | lanes
            | generated.Gazetteer.Geocode | lanes
            | Stages.Distance | lanes;
    }

    private static double HandLoop(long rows)
    {
        var generated = GeneratedAirports.Of(rows);
        var (airports, gazetteer) = (generated.List, generated.Gazetteer);
        double sum = 0;
        for (var i = 0; i < airports.Length; i++)
            for (var j = i + 1; j < airports.Length; j++)
                sum += Stages.Distance(gazetteer.Geocode(new Pair(airports[i], airports[j]))).Km;
        return sum;
    }

    // Each thread sums its own rows; the loop hands out a few at a time, which balances that the first rows are the longest.
    private static double ParallelFor(long rows)
    {
        var generated = GeneratedAirports.Of(rows);
        var (airports, gazetteer) = (generated.List, generated.Gazetteer);
        var gate = new Lock();
        double total = 0;
        System.Threading.Tasks.Parallel.For(
            0,
            airports.Length,
            static () => 0.0,
            (i, _, sum) =>
            {
                for (var j = i + 1; j < airports.Length; j++)
                    sum += Stages.Distance(gazetteer.Geocode(new Pair(airports[i], airports[j]))).Km;
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
        var generated = GeneratedAirports.Of(rows);
        return Stages.Origins(generated.List).SelectMany(Stages.AllPairs)
            .Sum(pair => Stages.Distance(generated.Gazetteer.Geocode(pair)).Km);
    }
}
