namespace Sluice.Progress.Looks;

/// <summary>The rate of a count over the last ten seconds.</summary>
/// <remarks>Not thread-safe.</remarks>
internal sealed class RateWindow(TimeProvider time)
{
    private const int MaxSamples = 256;          // ten seconds of looks, one each 50 ms, and some more

    private static readonly TimeSpan Span = TimeSpan.FromSeconds(10);

    private readonly Queue<(long At, long Count)> samples = [];

    /// <summary>Adds the count of this moment, and returns the rate per second; null at the first time.</summary>
    public double? Add(long count)
    {
        long now = time.GetTimestamp();
        while (samples.Count >= MaxSamples || (samples.Count > 2 && time.GetElapsedTime(samples.Peek().At, now) > Span)) samples.Dequeue();
        double? rate = null;
        if (samples.TryPeek(out (long At, long Count) first) && time.GetElapsedTime(first.At, now).TotalSeconds is > 0 and var seconds)
            rate = (count - first.Count) / seconds;
        samples.Enqueue((now, count));
        return rate;
    }
}
