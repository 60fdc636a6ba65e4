using System.Diagnostics;

namespace Sluice.Bench;

/// <summary>A fifth of a microsecond of arithmetic, on any machine.</summary>
internal static class Work
{
    private const double Nanoseconds = 200;
    private static readonly int Rounds = Calibrate();

    /// <summary>The result is small, so that sums of weighted results stay exact.</summary>
    public static long Do(long value) => Spin(value, Rounds);

    private static long Spin(long value, int rounds)
    {
        var state = (ulong)value | 1;
        for (var i = 0; i < rounds; i++)
        {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
        }

        return (long)(state & 0xFFFF);
    }

    // The fastest of many tries: a disturbance can only make the machine look slower, and the work too short.
    private static int Calibrate()
    {
        const int sample = 20_000;
        var best = double.MaxValue;
        for (var attempt = 0; attempt < 200; attempt++)
        {
            var started = Stopwatch.GetTimestamp();
            Spin(attempt, sample);
            best = Math.Min(best, Stopwatch.GetElapsedTime(started).TotalNanoseconds / sample);
        }

        return Math.Max(1, (int)(Nanoseconds / best));
    }
}
