using System.Runtime.CompilerServices;
using Sluice.Diagnostics;

namespace Sluice.Delivery;

/// <summary>A consecutor, as metrics see it: the figures of its ledger, and the age of its oldest item.</summary>
/// <remarks>
/// Thread-safe. Figures are read when a listener collects. The age is asked of the store in the background, at most once in
/// <see cref="LookInterval"/>, and only while a listener collects it; until the answer, it is the age of the item found last. One
/// collection asks for all consecutors: two of a store ask at a time, so that their reads leave connections to commits.
/// </remarks>
internal sealed class ObservedConsecutor(ConsecutorCore core) : IObservedConsecutor
{
    private const int Together = 2;

    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(5);
    private static readonly ConditionalWeakTable<IStreamStore, SemaphoreSlim> Turns = [];

    private readonly StoreInspector inspector = new(core.Store, core.Time);
    private readonly Lock sync = new();
    private TimeSpan? age;                           // at the last look
    private long looked;                             // the time stamp of the last look that the store has answered
    private bool hasLooked;
    private long asked;                              // the time stamp of the last look, answered or not
    private bool hasAsked;
    private bool isLooking;

    public string Name => core.Name;

    /// <summary>Brings the ledger up to date; null if it always is. Set before the start.</summary>
    public Action? Refresh { get; set; }

    public BacklogFigures Observe()
    {
        Refresh?.Invoke();
        ConsecutorSnapshot now = core.Ledger.Snapshot(core.Name, ConsecutorStatus.Running, null, null, null);
        return new(now.Pending, now.InFlight, now.Retrying, now.Parked, now.Suspect, now.Dead, core.Partitions.Owned.Length,
            core.Options.StateMemory.Bytes);
    }

    public TimeSpan? ObserveOldest()
    {
        if (core.Ledger.IsIdle)
        {
            lock (sync) hasLooked = false;           // the next oldest item is another one
            return TimeSpan.Zero;
        }
        if (core.Local is not null) return null;     // items in no store have no time
        lock (sync)
        {
            if (!isLooking && (!hasAsked || core.Time.GetElapsedTime(asked) >= LookInterval))
            {
                (isLooking, hasAsked, asked) = (true, true, core.Time.GetTimestamp());
                _ = LookAsync();
            }
            return hasLooked ? age + core.Time.GetElapsedTime(looked) : null;
        }
    }

    private async Task LookAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);        // the collecting thread goes on
        SemaphoreSlim? turn = null;
        try
        {
            SemaphoreSlim ofStore = Turns.GetValue(core.Store.Root, static _ => new(Together));
            await ofStore.WaitAsync(core.Lifetime.Token).ConfigureAwait(false);
            turn = ofStore;
            DateTimeOffset? oldest = await inspector.FindOldestAsync(core.Group, core.Lifetime.Token).ConfigureAwait(false);
            DateTimeOffset now = await core.Store.GetTimeAsync(core.Lifetime.Token).ConfigureAwait(false);
            lock (sync) (age, hasLooked, looked) = (now - oldest ?? TimeSpan.Zero, true, core.Time.GetTimestamp());
        }
        catch (Exception e) when (e is StreamStoreException or OperationCanceledException or ObjectDisposedException)
        {
            // The consecutor itself reports that its store is away. The age goes on from the last answer.
        }
        finally
        {
            turn?.Release();
            lock (sync) isLooking = false;
        }
    }
}
