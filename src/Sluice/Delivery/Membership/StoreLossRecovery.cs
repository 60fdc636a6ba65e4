namespace Sluice.Delivery;

/// <summary>Notices that the store has lost acknowledged items, and loads the consecutor anew from the store.</summary>
/// <remarks>Thread-safe: counts and flags are under its lock; one recovery runs at a time.</remarks>
internal sealed class StoreLossRecovery(ConsecutorCore core) : IStoreLosses
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);

    private readonly Lock sync = new();
    private bool isRecovering;
    private int generation;
    private int count;
    private volatile string? latest;
    private volatile TaskCompletionSource renewed = new();

    /// <inheritdoc/>
    public string? Latest => latest ?? core.Store.Loss;

    /// <inheritdoc/>
    public int Count => Volatile.Read(ref count);

    /// <summary>Whether a recovery runs: until it has ended, streams and groups may be missing.</summary>
    public bool IsRecovering
    {
        get { lock (sync) return isRecovering; }
    }

    /// <summary>Notes the generation of the store. Called after its first answer.</summary>
    public void Begin() => generation = core.Store.Generation;

    /// <summary>Finds out whether a call has failed because the store has lost items.</summary>
    /// <returns>Whether that is so; then the recovery has begun.</returns>
    public async ValueTask<bool> NoticeAsync(Exception failure)
    {
        if (Learn(failure)) return true;
        try
        {
            if (await core.Store.FindGroupAsync(core.Group, core.Lifetime.Token).ConfigureAwait(false) is not null) return false;
        }
        catch (Exception e)
        {
            if (!core.Lifetime.Token.IsCancellationRequested)
                core.Problems.OfHeartbeats = $"The store does not answer: {FailureText.Of(e)}";
            return false;
        }
        WentBack($"It does not know the group {core.Group} any more.");
        return true;
    }

    /// <summary>Begins the recovery if a failure tells of a loss.</summary>
    /// <returns>Whether it does.</returns>
    public bool Learn(Exception failure)
    {
        if (failure is not StoreRolledBackException) return false;
        WentBack(failure.Message);
        return true;
    }

    /// <inheritdoc/>
    public void WentBack(string how)
    {
        latest = core.Problems.Latest
            = $"The store has lost what it had acknowledged: a backup was put in its place, a server took over that did not have all of "
            + $"it, or something was deleted. {how.TrimEnd('.')}. The consecutor goes on with what the store has.";
        bool begins;
        lock (sync)
        {
            count++;
            begins = !isRecovering;
            if (begins) renewed = new(TaskCreationOptions.RunContinuationsAsynchronously);
            isRecovering = true;
        }
        if (begins)
            core.Lifetime.Warn($"The consecutor {core.Name}: {latest} Send the lost items again from where they came, and see that the "
                + "store keeps what it acknowledges.");
        LoseAll();
        if (begins) _ = RecoverAsync(core.Members.Leaving);
    }

    /// <summary>Ends when appended items get ids that were never used.</summary>
    public Task RenewedAsync(CancellationToken cancellation) => renewed.Task.WaitAsync(cancellation);

    private async Task RecoverAsync(CancellationToken leaving)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (true)
        {
            (int noticed, bool isLoaded) = (Count, false);
            try
            {
                LoseAll();
                if (!renewed.Task.IsCompleted) await RaiseGenerationAsync(leaving).ConfigureAwait(false);
                renewed.TrySetResult();

                // Who was acquiring partitions has them now, and nobody acquires from here on: otherwise their items would be waited for.
                await core.Members.AloneAsync(_ =>
                {
                    LoseAll();
                    return Task.CompletedTask;
                }).ConfigureAwait(false);

                // Not inside AloneAsync: the pump may wait there for its turn, and it is the pump that gives up rounds which are to run
                // again.
                while (core.InFlight.Count > 0) await core.InFlight.Emptied.WaitAsync().WaitAsync(leaving).ConfigureAwait(false);
                await core.Members.AloneAsync(async leaving => isLoaded = await TryLoadAsync(leaving).ConfigureAwait(false))
                    .ConfigureAwait(false);
            }
            catch (Exception e)
            {
                if (!leaving.IsCancellationRequested) core.Problems.Latest =
                    $"What the store has after its loss could not be loaded; it is tried again: {FailureText.Of(e)}";
                await RetryPause.WaitAsync(RetryInterval, core.Time, leaving).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            lock (sync)
            {
                isRecovering = (!isLoaded || Count != noticed) && !leaving.IsCancellationRequested;
                if (isRecovering) continue;
                renewed.TrySetResult();              // or never: then no item is appended any more
                return;
            }
        }
    }

    /// <returns>False if an item is in flight: a partition was acquired just before its loss, and has leased since. An earlier commit may
    /// have the number of a later one, so it must have been given up before partitions are acquired.</returns>
    private async Task<bool> TryLoadAsync(CancellationToken leaving)
    {
        leaving.ThrowIfCancellationRequested();
        LoseAll();
        if (core.InFlight.Count > 0) return false;
        await core.OpenAsync(leaving, again: true).ConfigureAwait(false);
        List<OwnedPartition> taken = await core.Members.LoadAsync(leaving).ConfigureAwait(false);
        await core.Members.BeginSinksAsync(taken, leaving).ConfigureAwait(false);
        core.Partitions.Own(taken);
        core.Problems.Latest = null;
        return true;
    }

    private void LoseAll()
    {
        foreach (OwnedPartition partition in core.Partitions.Owned) core.Partitions.Lose(partition);
    }

    /// <summary>Raises the generation to one that was never used, so that no id is used twice. Of several members, one raises it.</summary>
    private async Task RaiseGenerationAsync(CancellationToken cancellation)
    {
        int present = core.Store.Generation;
        while (present <= generation) present = await core.Store.RaiseGenerationAsync(present, cancellation).ConfigureAwait(false);
        generation = present;
    }
}
