using System.Diagnostics;
using System.Globalization;

namespace Sluice.Bench;

/// <summary>A variant computed another result than the others, so its speed is worthless.</summary>
internal sealed class WrongResultException(string message) : Exception(message);

/// <summary>The duration of warm-up and measurement for one comparison.</summary>
internal sealed record Schedule(TimeSpan WarmUp, TimeSpan Measuring, int MinimumRounds, int MaximumRounds)
{
    public static Schedule For(bool quick, int comparisons) => quick
        ? new(TimeSpan.FromSeconds(1.6 / comparisons), TimeSpan.FromSeconds(3.2 / comparisons), 3, 15)
        : new(TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(12), 5, 25);
}

/// <summary>Runs the variants of a comparison in turns, so that a disturbance of the machine affects all of them.</summary>
internal sealed class Runner(Schedule schedule)
{
    private const int Sweeps = 5;

    // The runtime recompiles a method after 30 calls, once with instrumentation and once for good, a tenth of a second after the last new
    // method was seen. Hence several sweeps, with a pause after each.
    private const int CallsUntilRecompiled = 32;
    private static readonly TimeSpan RecompilationTime = TimeSpan.FromMilliseconds(150);

    public async Task<Result> MeasureAsync(Comparison comparison, long count)
    {
        var variants = comparison.Variants;
        await WarmUpAsync(comparison);

        var expected = comparison.Expected(count);
        var measurements = variants.Select(variant => new Measurement(variant.Name)).ToArray();
        foreach (var variant in variants) await RunAsync(comparison, variant, count, expected);

        var clock = Stopwatch.StartNew();
        for (var round = 0; round < schedule.MaximumRounds; round++)
        {
            if (round >= schedule.MinimumRounds && clock.Elapsed >= schedule.Measuring) break;
            for (var turn = 0; turn < variants.Count; turn++)
            {
                var index = (round + turn) % variants.Count;
                var (nanoseconds, bytes) = await RunAsync(comparison, variants[index], count, expected);
                measurements[index].Add(nanoseconds, bytes);
            }
        }

        return new Result(comparison.Name, measurements);
    }

    private async Task WarmUpAsync(Comparison comparison)
    {
        var expected = comparison.Expected(comparison.WarmCount);
        var share = schedule.WarmUp / (Sweeps * comparison.Variants.Count);
        for (var sweep = 0; sweep < Sweeps; sweep++)
        {
            foreach (var variant in comparison.Variants)
            {
                var clock = Stopwatch.StartNew();
                for (var call = 0; call < CallsUntilRecompiled && clock.Elapsed < share; call++)
                    Check(comparison, variant, await variant.RunAsync(comparison.WarmCount), expected);
            }

            await Task.Delay(RecompilationTime);
        }
    }

    private static async Task<(double Nanoseconds, double Bytes)> RunAsync(Comparison comparison, Variant variant, long count,
        double expected)
    {
        // No variant pays for the garbage of the one before.
        GC.Collect();
        GC.WaitForPendingFinalizers();

        var items = comparison.Items(count);
        var allocated = GC.GetTotalAllocatedBytes(precise: true);
        var started = Stopwatch.GetTimestamp();
        var outcome = await variant.RunAsync(count);
        var elapsed = Stopwatch.GetElapsedTime(started);
        allocated = GC.GetTotalAllocatedBytes(precise: true) - allocated;

        Check(comparison, variant, outcome, expected);
        return (outcome.NanosecondsPerItem ?? elapsed.TotalNanoseconds / items, (double)allocated / items);
    }

    private static void Check(Comparison comparison, Variant variant, Outcome outcome, double expected)
    {
        if (Math.Abs(outcome.Checksum - expected) <= comparison.Tolerance * Math.Abs(expected)) return;
        throw new WrongResultException(string.Create(
            CultureInfo.InvariantCulture,
            $"{comparison.Name} {variant.Name} gave {outcome.Checksum:R} where {expected:R} was expected"));
    }
}
