namespace Sluice;

/// <summary>Notices that the store has lost what it had acknowledged, and begins anew with what it has.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class StoreLossRecovery(ConsecutorCore core)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly Lock sync = new();
    private bool isRecovering;
    private int generation;
    private int count;
    private volatile string? latest;
    private volatile TaskCompletionSource renewed = new();

    /// <summary>What was lost, for people; null if nothing that is known of.</summary>
    public string? Latest => latest ?? core.Store.Loss;

    /// <summary>How often something was noticed.</summary>
    public int Count => Volatile.Read(ref count);

    /// <summary>Whether what the store has is being loaded anew: until that has ended, streams and groups may be missing.</summary>
    public bool IsRecovering
    {
        get { lock (sync) return isRecovering; }
    }

    /// <summary>A store has answered for the first time.</summary>
    public void Begin() => generation = core.Store.Generation;

    /// <summary>A call has failed: finds out whether that is because the store has lost something.</summary>
    public async ValueTask<bool> NoticeAsync(Exception failure)
    {
        if (failure is StoreRolledBackException)
        {
            WentBack(failure.Message);
            return true;
        }
        try
        {
            if (await core.Store.FindGroupAsync(core.Group, core.Life).ConfigureAwait(false) is not null) return false;
        }
        catch (Exception e)
        {
            if (!core.Life.IsCancellationRequested) core.Problem = $"The store does not answer: {FailureText.Of(e)}";
            return false;
        }
        WentBack($"It does not know the group {core.Group} any more.");
        return true;
    }

    /// <summary>Drops everything in memory that is about the store, and loads it again when nothing is under way any more.</summary>
    public void WentBack(string how)
    {
        latest = core.Problem
            = $"The store has lost what it had acknowledged: a backup was put in its place, or something was deleted. {how} What was lost is lost; what the store has is processed.";
        bool begins;
        lock (sync)
        {
            count++;
            begins = !isRecovering;
            if (begins) renewed = new(TaskCreationOptions.RunContinuationsAsynchronously);
            isRecovering = true;
        }
        LoseAll();
        if (begins) _ = core.Members.AloneAsync(RecoverAsync);
    }

    /// <summary>Ends when what is appended gets ids that were never used.</summary>
    public Task RenewedAsync(CancellationToken cancellation) => renewed.Task.WaitAsync(cancellation);

    private async Task RecoverAsync(CancellationToken leaving)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (true)
        {
            int noticed = Count;
            try
            {
                await LoadAsync(leaving).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                if (!leaving.IsCancellationRequested) core.Problem = $"What the store has after its loss could not be loaded; it is tried again: {FailureText.Of(e)}";
                noticed = -1;
                await Task.Delay(Patience, core.Time, leaving).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            lock (sync)
            {
                isRecovering = Count != noticed && !leaving.IsCancellationRequested;
                if (isRecovering) continue;
                renewed.TrySetResult();              // or never: then nothing is appended any more
                return;
            }
        }
    }

    private async Task LoadAsync(CancellationToken leaving)
    {
        LoseAll();
        if (!renewed.Task.IsCompleted) await RaiseGenerationAsync(leaving).ConfigureAwait(false);
        renewed.TrySetResult();

        // An earlier commit may be numbered as a later one will be: it must have been given up before anything is taken.
        while (core.InFlight > 0) await core.Emptied.WaitAsync().WaitAsync(leaving).ConfigureAwait(false);
        await core.OpenAsync(leaving, again: true).ConfigureAwait(false);
        List<OwnedPartition> taken = await core.Members.LoadAsync(leaving).ConfigureAwait(false);
        await core.Members.BeginSinksAsync(taken, leaving).ConfigureAwait(false);
        core.Own(taken);
        core.Problem = null;
    }

    private void LoseAll()
    {
        foreach (OwnedPartition partition in core.Owned) core.Lose(partition);
    }

    /// <summary>To one that was never used, so that no id is used twice. Of several members that notice, one raises it.</summary>
    private async Task RaiseGenerationAsync(CancellationToken cancellation)
    {
        int present = core.Store.Generation;
        while (present <= generation) present = await core.Store.RaiseGenerationAsync(present, cancellation).ConfigureAwait(false);
        generation = present;
    }
}
