namespace Sluice.Flows;

/// <summary>A processor of a run that this service has taken on, from its start to its end or handover.</summary>
internal sealed partial class HostedProcessor(SupervisorCore core, WorkPartition partition, BoundFunction function, Assignment assignment,
    StartTurn turn) : IDisposable
{
    private static readonly Backoff AfterLoss = Backoff.Exponential(TimeSpan.FromMilliseconds(20), TimeSpan.FromSeconds(5));
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

    private readonly CancellationTokenSource handingOver = new();
    private readonly string processor = function.Processor.Name;
    private RunWatch? journal;                       // read once; later attempts read on
    private string? lastLoss;                        // why the last execution was lost
    private bool hasMoved;                           // whether the last execution has made progress
    private bool hasEnded;
    private volatile Invocation? running;

    /// <summary>Whether the service had no time left to hand it over.</summary>
    public bool IsLeftBehind { get; private set; }

    /// <summary>Whether its function runs, and does not wait for a commit: its other calls of the store end with its token.</summary>
    public bool IsExecuting => running is { IsExecuting: true } && !partition.IsWaiting;

    /// <inheritdoc cref="Invocation.AwaitsRun"/>
    public bool AwaitsRun => running is { AwaitsRun: true };

    public string Run => assignment.Run;

    /// <summary>Cancels the function, so that another service can continue.</summary>
    public Task HandOverAsync()
    {
        lock (handingOver) return hasEnded ? Task.CompletedTask : handingOver.CancelAsync();
    }

    public void Dispose()
    {
        lock (handingOver) hasEnded = true;
        handingOver.Dispose();
    }

    /// <summary>Runs the processor. Ends when nothing is left to do here. Never throws.</summary>
    public async Task RunAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        await TryUntilItEndsAsync().ConfigureAwait(false);
        turn.Rest();
        if (journal is not null) await journal.DisposeAsync().ConfigureAwait(false);
    }

    private async Task TryUntilItEndsAsync()
    {
        Assignment? current = assignment;
        TimeSpan longer = Shortest;
        for (int losses = 0; ;)
        {
            TimeSpan pause;
            int generation = core.Store.Generation;
            try
            {
                // Later attempts continue from what was committed meanwhile.
                current ??= await partition.FindAsync(Run, partition.Lost).ConfigureAwait(false);
                if (current is not null) await TryAsync(current).ConfigureAwait(false);
                return;
            }
            catch (Exception) when (core.Calls.GiveUp.IsCancellationRequested)
            {
                IsLeftBehind = true;                 // the end of the service says so
                return;
            }
            catch (OperationCanceledException) when (partition.Lost.IsCancellationRequested || core.Life.IsCancellationRequested)
            {
                return;
            }
            catch (StoreRolledBackException e)
            {
                core.Warn($"The store has lost writes of the run {Run}; the processor {processor} goes on from what is left: {e.Message}");
                // Then the service acquires everything anew, this run too; one of those who notice does it.
                if (!core.IsLost(generation)) await core.RenewAsync(core.Store.Generation, core.Life)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                return;
            }
            catch (ClosedStoreException)
            {
                return;                              // the group reports it, and hosts nothing any more
            }
            catch (AttemptFailedException)
            {
                pause = TimeSpan.Zero;               // the next attempt pauses
            }
            catch (ExecutionLostException e)
            {
                lastLoss = e.Message;
                core.Warn($"The processor {processor} of the run {Run} is started again: {e.Message}");
                losses = hasMoved ? 1 : losses + 1;
                pause = AfterLoss.WaitBefore(losses, Random.Shared);
            }
            catch (Exception e)
            {
                using CancellationTokenSource waiting = UntilItLeaves();
                // The group reports it; if it has done so, the question is cancelled.
                if (await core.IsStoreDisposedAsync(waiting.Token).ConfigureAwait(false)
                    || (e is ObjectDisposedException && waiting.IsCancellationRequested)) return;
                // An unknown failure must not stop the run.
                core.Warn($"The processor {processor} of the run {Run} could not be run; it is tried again: {e.Message}");
                pause = longer;
                longer = longer < Longest ? longer * 2 : longer;
            }
            current = null;
            turn.Rest();
            using CancellationTokenSource pausing = UntilItLeaves();
            await Task.Delay(pause, core.Options.Time, pausing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (pausing.IsCancellationRequested) return;
        }
    }

    /// <summary>Cancelled when this service gives up the processor: it has lost the partition, hands the processor over, or ends.</summary>
    private CancellationTokenSource UntilItLeaves()
        => CancellationTokenSource.CreateLinkedTokenSource(partition.Lost, handingOver.Token, core.Life);

    private async Task TryAsync(Assignment current)
    {
        RunWatch? watch = await ReadJournalAsync().ConfigureAwait(false);
        if (watch is null || (watch.Plan.Key != current.Key && current.Key.Length > 0) || watch.Plan.Find(processor) is not { } plan)
            await ForgetAsync().ConfigureAwait(false);
        else if (current.Ended || watch.HasEnded(processor))
        {
            if (current.IsUntold) await TellAsync(current).ConfigureAwait(false);
            await CloseAsync(plan).ConfigureAwait(false);
        }
        else await RunAsync(watch, plan, current).ConfigureAwait(false);
    }

    /// <returns>The journal as it is now; null if the run is not in the store.</returns>
    private async Task<RunWatch?> ReadJournalAsync()
    {
        if (journal is { } known)
        {
            if (known.Failure is null && await known.TryReadOnAsync(partition.Lost).ConfigureAwait(false)) return known;
            journal = null;                          // of a run that was deleted, perhaps
            await known.DisposeAsync().ConfigureAwait(false);
        }
        return journal = await RunWatch.OpenAsync(core.Calls, Run, partition.Lost, isPartEnough: true).ConfigureAwait(false);
    }

    private async Task RunAsync(RunWatch watch, ProcessorPlan plan, Assignment current)
    {
        Assignment begun = current with { Starts = current.Starts + 1 };
        var life = CancellationTokenSource.CreateLinkedTokenSource(partition.Lost, handingOver.Token, watch.Cancelled, watch.Cut);
        using var feedLife = CancellationTokenSource.CreateLinkedTokenSource(life.Token);
        Task feedWatch = Task.CompletedTask;
        ExecutionSlot? slot = null;
        Invocation? invocation = null;
        RunEvent end;
        bool isCounted = false;                      // see SupervisorOptions.MaxStarts
        Assignment? ended = null;                    // the stored row, if the processor has ended itself
        try
        {
            using var deadlocks = new DeadlockDetector(core, watch.Plan, plan, life.Token);
            watch.Noticed = deadlocks.NoticeAsync;
            if (watch.Failure is { } unreadable) throw unreadable;
            watch.Follow();
            if (begun.Damage is { } damage) throw new FlowException(damage);
            CheckStarts(current);
            life.Token.ThrowIfCancellationRequested();
            if (current.Failures > 0 && plan.Retry is { } retry)
            {
                turn.Rest();
                await PauseAsync(watch, retry.PauseAfter(current.Failures), life.Token).ConfigureAwait(false);
            }
            Declarations.Check(plan, function);
            FlowTypes.Check(watch.Plan.Streams, plan, function);
            feedWatch = new FeedWatch(core, watch.Plan, plan, feedLife.Token).RunAsync();
            // Otherwise the function would wait for a value that its work does not need.
            if (plan.Wait || !current.MayHaveWork())
                await InputReadiness.WaitAsync(core.Calls, Run, plan, turn.Rest, life.Token).ConfigureAwait(false);
            turn.Wait();
            slot = core.Slots.Make(plan.Timeout is { } most ? new(core.Options.Time, most) : null, turn.Rest, life.Token);
            isCounted = slot.TryEnter();             // it may wait for its slot for long
            if (isCounted) begun = begun with { Fruitless = begun.Fruitless + 1 };
            var started = new RunEvent(RunEventKind.Started, core.Options.Name, processor, Start: begun.Starts);
            await CommitAsync(started, begun, life.Token).ConfigureAwait(false);
            invocation = await Invocation.OpenAsync(core, watch.Plan, plan, begun, isCounted, function, partition, deadlocks, slot,
                life.Token).ConfigureAwait(false);
            running = invocation;
            await invocation.ExecuteAsync(core.ExecutorOf(function)).ConfigureAwait(false);
            await feedLife.CancelAsync().ConfigureAwait(false);
            await feedWatch.ConfigureAwait(false);
            end = new(RunEventKind.Completed, core.Options.Name, processor);
            ended = await EndAsync(invocation, plan, end).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            if (Find<TakenOverException>(e, null, static _ => true) is not null)
                await partition.LoseAsync().ConfigureAwait(false);       // it did not fail
            bool isRetried = invocation is { IsLeft: false } && !life.IsCancellationRequested && plan.Retry is not null && IsOwn(e);
            if (isRetried) await invocation!.KeepAsync().ConfigureAwait(false);
            if (invocation is not null) await invocation.SettleAsync().ConfigureAwait(false);
            await feedLife.CancelAsync().ConfigureAwait(false);
            await feedWatch.ConfigureAwait(false);
            if (partition.Lost.IsCancellationRequested) throw new OperationCanceledException("The partition is lost.", e, partition.Lost);
            // The function may use other stores: a failure of such a store is one of the function.
            IStreamStore store = core.Store.Root;
            if (Find<ClosedStoreException>(e, watch.Failure, one => one.Store == store) is { } closed) throw closed;
            if (Find<StoreRolledBackException>(e, watch.Failure, one => one.Store == store) is { } loss)
                throw new StoreRolledBackException(loss.Message, e);
            if (watch.Cancelled.IsCancellationRequested)
                end = new(RunEventKind.Cancelled, core.Options.Name, processor, watch.CancelReason);
            else if (handingOver.IsCancellationRequested)
            {
                // The failure may come of the cancellation. If not, it recurs in the next service.
                await HandOverAsync(invocation?.Stored ?? begun, invocation?.IsCounted ?? isCounted).ConfigureAwait(false);
                return;
            }
            else if (watch.Failure is { } failure) end = Failed(failure, plan);
            else if (e is ExecutionLostException) throw;
            else if (await FindCancelAsync(watch).ConfigureAwait(false) is { } cancel) end = cancel;
            else
            {
                int attempt = isRetried ? AttemptOf(begun, invocation!.Stored) : 1;
                if (isRetried && attempt <= plan.Retry!.Retries)
                {
                    await RetryAsync(invocation!.Stored, invocation.IsCounted, attempt, plan, e).ConfigureAwait(false);
                    throw new AttemptFailedException();
                }
                end = Failed(e, plan, attempt);
            }
        }
        finally
        {
            await watch.PauseAsync().ConfigureAwait(false);
            (hasMoved, running) = (invocation is { IsCounted: true, Stored.Fruitless: 0 }, null);
            turn.Rest();
            if (invocation is not null)
                await Task.WhenAll(invocation.Inputs.Select(static input => input.EndAsync())).ConfigureAwait(false);
            invocation?.Dispose();
            if (slot is not null) await slot.EndAsync().ConfigureAwait(false);
            _ = EndAsync(life);                      // not awaited: code of the user may go on in it
        }
        if (ended is null) await EndAsync(plan, invocation?.Stored ?? begun, end).ConfigureAwait(false);
        else if (ended.IsUntold) await TellAsync(ended).ConfigureAwait(false);
        await CloseAsync(plan).ConfigureAwait(false);
        // With an earlier start's progress, this start's counts lack its output.
        if (end.Kind == RunEventKind.Completed && current.Inputs.Count == 0)
            foreach (var (output, count) in invocation!.Counts)
                if (count == 0) core.Warn($"The processor {processor} of the run {Run} has ended and has put out nothing to {output}.");
    }

    /// <summary>
    /// Finds a cancellation that was not reported here yet: the journal entry comes first, then the streams fail, which may be this
    /// failure.
    /// </summary>
    private async Task<RunEvent?> FindCancelAsync(RunWatch watch)
    {
        await watch.PauseAsync().ConfigureAwait(false);
        return await watch.TryReadOnAsync(partition.Lost).ConfigureAwait(false) && watch.IsCancelled
            ? new(RunEventKind.Cancelled, core.Options.Name, processor, watch.CancelReason) : null;
    }

    /// <summary>Finds the store's exception inside of exceptions that a function has wrapped around it.</summary>
    private static T? Find<T>(Exception? e, Exception? other, Func<T, bool> isWanted) where T : Exception
    {
        return In(e) ?? In(other);

        T? In(Exception? e) => e is null ? null
            : e is T one && isWanted(one) ? one
            : e is AggregateException all ? all.InnerExceptions.Select(In).FirstOrDefault(static found => found is not null)
            : In(e.InnerException);
    }

    /// <summary>Whether the function itself has failed, in a way that a retry may cure.</summary>
    private bool IsOwn(Exception e) => e is not ExecutionLostException
        && StreamFailures.Of(e, Run, processor) is { IsCancelled: false, IsDifference: false } failure && failure.Processor == processor;

    /// <summary>Thrown after a failed attempt was stored; another attempt follows.</summary>
    private sealed class AttemptFailedException : Exception;

    private async Task CommitAsync(RunEvent happened, Assignment next, CancellationToken cancellation, EndStream[]? ends = null)
    {
        using EntryBatch entry = RunJson.Entry(happened);
        await partition.CommitAsync(commit => commit with
        {
            Outputs = [new(FlowNames.Journal(Run), entry)],
            State = [WorkPartition.Row(next)],
            Ends = ends ?? []
        }, cancellation).ConfigureAwait(false);
    }
}
