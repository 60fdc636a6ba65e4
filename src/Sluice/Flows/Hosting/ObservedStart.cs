using Sluice.Diagnostics;

namespace Sluice.Flows;

/// <summary>A start of a processor, as metrics see it: the values in front of it.</summary>
/// <remarks>
/// Thread-safe. The backlog is asked of the store in the background, and only while a listener collects it: at most once in
/// <see cref="LookInterval"/>, and at most <see cref="MaxLooks"/> starts of a process at a time.
/// </remarks>
internal sealed class ObservedStart(Invocation invocation, SupervisorCore core, CancellationToken life) : IObservedStart
{
    private const int MaxLooks = 8;
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(5);
    private static int looks;                        // in progress, of all starts

    private readonly Lock sync = new();
    private long? pending;                           // at the last look
    private long looked;                             // the time stamp of the last look
    private bool hasLooked;
    private bool isLooking;

    public string Processor => invocation.Plan.Name;

    public long InFlight => invocation.Inputs.Sum(static input => input.InFlight);

    public long? Pending
    {
        get
        {
            lock (sync)
            {
                if (isLooking || (hasLooked && core.Options.Time.GetElapsedTime(looked) < LookInterval)) return pending;
                if (Interlocked.Increment(ref looks) > MaxLooks)
                {
                    Interlocked.Decrement(ref looks);
                    return pending;
                }
                isLooking = true;
            }
            _ = LookAsync();
            return pending;
        }
    }

    // Never throws.
    private async Task LookAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);        // the collecting thread goes on
        try
        {
            long found = 0;
            foreach (InputPort input in invocation.Inputs)
                if (await core.Store.FindStreamAsync(input.Stream, life).ConfigureAwait(false) is { } info) found += input.BehindIn(info);
            lock (sync) pending = found;
        }
        catch (Exception e) when (e is StreamStoreException or OperationCanceledException or ObjectDisposedException)
        {
            // The processor itself reports that its store is away.
        }
        finally
        {
            lock (sync) (isLooking, hasLooked, looked) = (false, true, core.Options.Time.GetTimestamp());
            Interlocked.Decrement(ref looks);
        }
    }
}
