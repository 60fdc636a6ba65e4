using System.Diagnostics;
using System.Globalization;

namespace Sluice.Bench;

/// <summary>
/// What each fusion saves: a shape with it and without it, each in processes of their own and in turns. Processor time, not the clock:
/// other work on the machine changes it less.
/// </summary>
internal static class Fusions
{
    /// <summary>The first argument of a child process; the others are the shape, and the fusion that it leaves out.</summary>
    public const string ChildOption = "--fusion-child";

    private const string Setting = "Sluice.WithoutFusion";
    private const long Count = 3_000_000;
    private const int Rounds = 8, WarmRounds = 2;

    private static readonly string[] Shapes = ["maps", "async-maps", "steps", "sinks", "routes", "spans"];

    public static Scenario Scenario { get; } = new("fusions", "each fusion against its stages apart, ns of a processor", [])
    {
        MeasureAsync = static async quick =>
        {
            List<Result> results = [];
            foreach (string shape in Shapes) results.Add(await MeasureAsync(shape, quick ? 3 : 7));
            return results;
        }
    };

    /// <summary>Runs a shape in this process, and prints the processor time of each round.</summary>
    public static async Task RunChildAsync(string shape, string off)
    {
        AppContext.SetData(Setting, off);
        for (int round = -WarmRounds; round < Rounds; round++)
        {
            TimeSpan before = Environment.CpuUsage.UserTime;
            double sum = await RunAsync(shape);
            TimeSpan took = Environment.CpuUsage.UserTime - before;
            if (sum != Expected(shape)) throw new WrongResultException($"{shape} without {off}: {sum}");
            if (round >= 0) Console.WriteLine((took.TotalNanoseconds / Count).ToString("R", CultureInfo.InvariantCulture));
        }
    }

    private static async Task<Result> MeasureAsync(string shape, int processes)
    {
        var with = new Measurement(Variant.Ours);
        var apart = new Measurement("apart");
        for (int i = 0; i < processes; i++)
        {
            with.Add(await MeasureChildAsync(shape, "none"), 0);
            apart.Add(await MeasureChildAsync(shape, shape), 0);
        }
        return new($"fusion-{shape}", [with, apart]);
    }

    // The lower quartile: what disturbs a round makes it longer.
    private static async Task<double> MeasureChildAsync(string shape, string off)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet") start.ArgumentList.Add(typeof(Fusions).Assembly.Location);
        foreach (string argument in (string[])[ChildOption, shape, off]) start.ArgumentList.Add(argument);
        using Process child = Process.Start(start)!;
        string printed = await child.StandardOutput.ReadToEndAsync();
        await child.WaitForExitAsync();
        if (child.ExitCode != 0) throw new WrongResultException($"{shape} without {off} has ended with {child.ExitCode}.");
        double[] rounds = [.. printed.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(static line => double.Parse(line, CultureInfo.InvariantCulture)).Order()];
        return rounds[rounds.Length / 4];
    }

    private static async Task<double> RunAsync(string shape)
    {
        long sum = 0;
        Action<long> add = value => sum += value;
        Source<long> source = Source.Range(0, Count);
        switch (shape)
        {
            case "maps":
                foreach (var map in Maps.All) source = source | map;
                await (source | add).RunAsync(Chain.OnThisThread);
                break;
            case "async-maps":
                foreach (var map in Maps.Async) source = source | map;
                await (source | add).RunAsync(Chain.OnThisThread);
                break;
            case "steps":
                await (source | (static (long n) => new Pair(n, n + 1, n + 2)) | (static (Pair pair) => new Wide(pair, pair.A))
                    | (static (Wide wide) => (double)wide.Pair.A + wide.B) | ((double value) => { sum += (long)value; }))
                    .RunAsync(Chain.OnThisThread);
                break;
            case "sinks":
                long a = 0, b = 0, c = 0, d = 0;
                Action<long> first = n => a += n, second = n => b += n + 1, third = n => c += n ^ 1, fourth = n => d += n - 1;
                await (source | [first, second, third, fourth]).RunAsync(Chain.OnThisThread);
                return a + b + c + d;
            case "routes":
                var branches = Maps.All.Take(4).Select(static map => Pipe.Of<long>() | map).ToArray();
                await (source < Sluice.Route.By(static (long n) => (int)(n & 3), branches) > add).RunAsync(Chain.OnThisThread);
                break;
            default:
                return await Chain.BufferedSumAsync(source, Maps.All);
        }
        return sum;
    }

    private static double Expected(string shape)
    {
        long sum = 0;
        for (long i = 0; i < Count; i++)
            sum += shape switch
            {
                "steps" => 2 * i,
                "sinks" => i + (i + 1) + (i ^ 1) + (i - 1),
                "routes" => (i & 3) switch { 0 => i + 1, 1 => i ^ 3, 2 => i - 2, _ => i + 7 },
                _ => 0
            };
        return shape is "steps" or "sinks" or "routes" ? sum : Maps.ExpectedSum(Count);
    }

    private readonly record struct Pair(long A, long B, long C);

    private readonly record struct Wide(Pair Pair, long B);
}
