using System.Diagnostics;
using Sluice.Membership;
using Sluice.Scheduling;

namespace Sluice.Flows;

/// <summary>Hosts a processor: acquires partitions of its work stream, runs what is ordered there, and releases them.</summary>
/// <remarks>
/// Locking rule: one loop owns all fields, except for the lists under <c>running</c>. The heartbeat thread only passes on what it has seen.
/// A partition with running work stays until that has ended, or its owner is silent; idle partitions move between services
/// (<see cref="PartitionShare"/>). While as many starts wait for a slot as there are slots, no orders are leased, and partitions with
/// running work may be chosen to move, too.
/// </remarks>
internal sealed partial class WorkGroup : IDisposable
{
    /// <summary>The default number of partitions of a work stream, and so of services that can share it.</summary>
    public const int Partitions = 16;

    private static readonly TimeSpan AfterDefect = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

    private readonly SupervisorCore core;
    private readonly string stream;
    private readonly GroupId group;
    private readonly Signal woken = new();
    private Task? waking;                            // the loop's; kept until it completes, also if that is during a round
    private readonly CallSilenceTracker silence;     // of the loop's calls
    private readonly StoreRetrier calls;             // the loop's
    private readonly WorkMembers members;
    private readonly WorkOrders orders;
    private volatile WorkPartition[] owned = [];     // changed by the loop; heartbeats only read it
    private readonly StartTurns turns = new();
    private readonly CancellationTokenSource stopping = new();
    private readonly HashSet<Task> running = [];     // also the lock of the partitions' running work
    private volatile BoundFunction function;
    private TimeSpan pause = AfterDefect;
    private int partitions;                          // of the work stream; the loop's
    private long empty = -1;                         // the change count at which there was nothing to lease
    private Task loop = Task.CompletedTask;
    private volatile bool isFull;                    // as many starts wait for a slot as there are slots
    private volatile bool isLeftBehind;
    private volatile string? problem;

    public WorkGroup(SupervisorCore core, BoundFunction function)
    {
        (this.core, this.function) = (core, function);
        string name = function.Processor.Name;
        (stream, group) = (FlowNames.Work(name), FlowNames.Hosts(name));
        silence = new(core.Options.Time);
        calls = core.Calls.WatchedBy(silence);
        members = new(core, group, woken, () => owned.Select(partition => partition.Silence).DefaultIfEmpty().Max(), silence);
        orders = new(core, calls, name, IsRunning, Begin, stopping.Token);
    }

    /// <summary>The function that later starts use.</summary>
    public BoundFunction Function
    {
        get => function;
        set => function = value;
    }

    /// <summary>Why the processor is not hosted, for good or until the next try; null if it is.</summary>
    public string? Problem => problem;

    /// <summary>Whether hosting has ended, and everything was handed over.</summary>
    public bool IsHandedOver => loop.IsCompleted && !isLeftBehind;

    /// <summary>Whether a function runs, and does not wait for the store.</summary>
    public bool IsExecuting => Array.Exists(Hosted(), static one => one.IsExecuting);

    public void Start()
    {
        core.LossSeen += woken.Set;
        loop = RunAsync();
    }

    /// <summary>Takes on nothing more, and hands everything over. Ends when that is done.</summary>
    public async Task StopAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await HandOverAsync().ConfigureAwait(false);         // the loop may wait for the store
        await loop.ConfigureAwait(false);
        Dispose();
    }

    /// <summary>Simulates the death of the process.</summary>
    public async Task AbandonAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);          // first: the loop would acquire again what is lost
        foreach (WorkPartition partition in owned) await partition.LoseAsync().ConfigureAwait(false);
        await StopAsync().ConfigureAwait(false);
    }

    public void Dispose()
    {
        core.LossSeen -= woken.Set;
        stopping.Dispose();
    }

    // Never throws.
    private async Task RunAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        Activity.Current = null;                     // calls of the store are no part of the trace in which the service began
        try
        {
            while (!stopping.IsCancellationRequested) await WorkAsync().ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
        }
        catch (Exception e)
        {
            // Leases are asked for without the retrier.
            Exception cause = e is ObjectDisposedException closed and not ClosedStoreException ? calls.Closed(closed) : e;
            string why = $"The processor {function.Processor.Name} is not hosted here any more: {cause.Message}";
            problem = why;
            core.Warn(why);
        }
        await LeaveAsync().ConfigureAwait(false);
    }

    /// <summary>
    /// Hosts until the stop. After an error that no part handles, such as lost writes, it drops all partitions and begins anew.
    /// </summary>
    private async Task WorkAsync()
    {
        (int generation, empty) = (core.Store.Generation, -1);
        members.ForgetReleases();
        try
        {
            partitions = await OpenAsync(core, function.Processor.Name, stopping.Token).ConfigureAwait(false);
            await members.JoinAsync(stopping.Token).ConfigureAwait(false);
            while (!stopping.IsCancellationRequested)
            {
                await RoundAsync().ConfigureAwait(false);
                int present = core.Store.Generation;
                if (core.IsLost(generation)) throw new StoreRolledBackException("The store has lost writes.");
                generation = present;
                pause = AfterDefect;
            }
        }
        catch (Exception e) when (!stopping.IsCancellationRequested && e is not ObjectDisposedException)
        {
            problem = $"The processor {function.Processor.Name} is not hosted here now, and its work is tried again: {e.Message}";
            core.Warn($"This service starts its work on the processor {function.Processor.Name} again: {e.Message}");
            foreach (WorkPartition partition in owned) await partition.LoseAsync().ConfigureAwait(false);
            DropLost();
            Task[] ending;
            lock (running) ending = [.. running];
            await Task.WhenAll(ending).ConfigureAwait(false);
            if (e is not StoreRolledBackException || !await TryRenewAsync(generation).ConfigureAwait(false))
                await RetryPause.WaitAsync(pause, core.Options.Time, stopping.Token).ConfigureAwait(false);
            pause = pause * 2 < Longest ? pause * 2 : Longest;
        }
    }

    // Fails while the store's tables are away. An administrator may make them again, or restore them.
    private async Task<bool> TryRenewAsync(int generation)
    {
        try
        {
            await core.RenewAsync(generation, stopping.Token).ConfigureAwait(false);
            return true;
        }
        catch (StreamStoreException)
        {
            return false;                            // the next start of the work says why
        }
    }

    private async Task RoundAsync()
    {
        long seen = await calls.DoAsync(stream, () => core.Store.WaitForChangeAsync(stream, -1, stopping.Token), stopping.Token)
            .ConfigureAwait(false);
        DropLost();
        if (seen != empty) await members.LookEarlyAsync(calls, owned.Length, stopping.Token).ConfigureAwait(false);
        await ShareAsync().ConfigureAwait(false);
        // A heartbeat alone is no reason to lease.
        bool goesOn = await orders.TakeUpHeldAsync(owned).ConfigureAwait(false)
            || (seen != empty && FindRoom() is > 0 and var room && await orders.LeaseAsync(owned, room).ConfigureAwait(false));
        problem = null;
        if (goesOn || TryLeaseFromAll()) return;
        if (!isFull) empty = seen;
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(stopping.Token);
        // Pauses if the store cannot wait.
        Task change = calls.WaitForChangeAsync(stream, seen, waiting.Token);
        waking ??= woken.WaitAsync();
        await Task.WhenAny(change, waking).ConfigureAwait(false);
        if (waking.IsCompleted) waking = null;
        await waiting.CancelAsync().ConfigureAwait(false);
        await change.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stopping.Token.ThrowIfCancellationRequested();
        if (change.IsFaulted) await change.ConfigureAwait(false);          // the next call would fail in the same way
    }

    private void Begin(WorkPartition partition, Assignment assignment)
    {
        var hosted = new HostedProcessor(core, partition, function, assignment, new(core.Options.Time, turns, () =>
        {
            if (isFull) woken.Set();
        }));
        Task? own = null;
        lock (running)
        {
            partition.Running[assignment.Run] = hosted;
            running.Add(own = RunAsync());
        }

        async Task RunAsync()
        {
            await hosted.RunAsync().ConfigureAwait(false);          // yields at once
            if (hosted.IsLeftBehind) isLeftBehind = true;
            lock (running)
            {
                partition.Running.Remove(assignment.Run);
                running.Remove(own!);
            }
            hosted.Dispose();
            woken.Set();                             // another run of this id may wait for its end
        }
    }

    private bool IsRunning(WorkPartition partition, string run)
    {
        lock (running) return partition.Running.ContainsKey(run);
    }

    private void DropLost() => owned = [.. owned.Where(partition => !partition.Lost.IsCancellationRequested)];

    private HostedProcessor[] Hosted()
    {
        lock (running) return [.. owned.SelectMany(static partition => partition.Running.Values)];
    }

    /// <summary>Cancels the functions, so that other services can continue.</summary>
    private async Task HandOverAsync()
    {
        foreach (HostedProcessor one in Hosted())
            if (!core.IsAbandoned) await one.HandOverAsync().ConfigureAwait(false);
    }

    private async Task LeaveAsync()
    {
        await HandOverAsync().ConfigureAwait(false);         // of what has begun since
        Task[] ending;
        lock (running) ending = [.. running];
        foreach (WorkPartition partition in owned)
            if (core.IsAbandoned) await partition.LoseAsync().ConfigureAwait(false);          // acquired since
        await Task.WhenAll(ending).ConfigureAwait(false);
        if (core.IsAbandoned) members.Drop();
        else if (!await members.LeaveAsync(owned.Where(partition => !partition.Lost.IsCancellationRequested)
            .Select(partition => partition.Owner)).ConfigureAwait(false)) isLeftBehind = true;
    }
}
