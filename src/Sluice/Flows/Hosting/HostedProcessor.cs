namespace Sluice;

/// <summary>A processor of a run that this service has taken on, from its start to its end, or until it is handed over.</summary>
internal sealed class HostedProcessor(SupervisorCore core, WorkPartition partition, BoundFunction function, Assignment assignment) : IDisposable
{
    private static readonly Backoff AfterLoss = Backoff.Exponential(TimeSpan.FromMilliseconds(20), TimeSpan.FromSeconds(5));
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

    private readonly CancellationTokenSource handingOver = new();
    private readonly string processor = function.Processor.Name;
    private string? lastLoss;                        // how it ended where it was executed
    private bool hasEnded;

    public string Run => assignment.Run;

    /// <summary>It is to stop, so that another service can go on with it.</summary>
    public Task HandOverAsync()
    {
        lock (handingOver) return hasEnded ? Task.CompletedTask : handingOver.CancelAsync();
    }

    public void Dispose()
    {
        lock (handingOver) hasEnded = true;
        handingOver.Dispose();
    }

    /// <summary>Ends when nothing is left to do here. Throws nothing.</summary>
    public async Task RunAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        Assignment? current = assignment;
        TimeSpan longer = Shortest;
        for (int losses = 0; ;)
        {
            TimeSpan pause;
            int generation = core.Store.Generation;
            try
            {
                // What was committed meanwhile counts: nothing is done again from where it began.
                current ??= await partition.FindAsync(Run, partition.Lost).ConfigureAwait(false);
                if (current is not null) await TryAsync(current).ConfigureAwait(false);
                return;
            }
            catch (OperationCanceledException) when (partition.Lost.IsCancellationRequested || core.Life.IsCancellationRequested)
            {
                return;
            }
            catch (StoreRolledBackException e)
            {
                core.Warn($"The store has lost writes of the run {Run}; the processor {processor} goes on from what is left: {e.Message}");
                // Then everything that is hosted here is taken anew, this too; of several who notice, one sees to it.
                if (!core.IsLost(generation)) await core.RenewAsync(core.Store.Generation, core.Life).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                return;
            }
            catch (AttemptFailedException)
            {
                pause = TimeSpan.Zero;               // the next attempt makes it
            }
            catch (ExecutionLostException e)
            {
                lastLoss = e.Message;
                core.Warn($"The processor {processor} of the run {Run} is started again: {e.Message}");
                pause = AfterLoss.WaitBefore(++losses, Random.Shared);
            }
            catch (Exception e)
            {
                // Neither the function, nor what is known to go wrong with a store: whatever it is, the run is not to stand still for it.
                core.Warn($"The processor {processor} of the run {Run} could not be run; it is tried again: {e.Message}");
                pause = longer;
                longer = longer < Longest ? longer * 2 : longer;
            }
            current = null;
            using var either = CancellationTokenSource.CreateLinkedTokenSource(partition.Lost, handingOver.Token, core.Life);
            await Task.Delay(pause, core.Options.Time, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (either.IsCancellationRequested) return;
        }
    }

    private async Task TryAsync(Assignment current)
    {
        await using RunWatch? watch = await RunWatch.OpenAsync(core.Calls, Run, partition.Lost, isPartEnough: true).ConfigureAwait(false);
        if (watch is null || (watch.Plan.Key != current.Key && current.Key.Length > 0) || watch.Plan.Find(processor) is not { } plan) await ForgetAsync().ConfigureAwait(false);
        else if (current.Ended || (current.Damage is not null && watch.HasEnded(processor)))
        {
            if (current.IsUntold) await TellAsync(current).ConfigureAwait(false);
            await CloseAsync(plan).ConfigureAwait(false);
        }
        else await RunAsync(watch, plan, current).ConfigureAwait(false);
    }

    private async Task RunAsync(RunWatch watch, ProcessorPlan plan, Assignment current)
    {
        Assignment begun = current with { Starts = current.Starts + 1 };
        using var life = CancellationTokenSource.CreateLinkedTokenSource(partition.Lost, handingOver.Token, watch.Cancelled, watch.Cut);
        using var feedLife = CancellationTokenSource.CreateLinkedTokenSource(life.Token);
        Task feedWatch = Task.CompletedTask;
        Invocation? invocation = null;
        RunEvent end;
        Assignment? ended = null;                    // what is stored of it, if it has ended itself
        try
        {
            using var stalls = new DeadlockDetector(core, watch.Plan, plan, life.Token);
            watch.Noticed = stalls.NoticeAsync;
            if (watch.Failure is { } unreadable) throw unreadable;
            watch.Follow();
            if (begun.Damage is { } damage) throw new FlowException(damage);
            if (begun.Starts > core.Options.MaxStarts)
                throw new FlowException($"It was started {current.Starts} times, and each time its host was gone before it had ended{(lastLoss is null ? "" : $"; the last time: {lastLoss.TrimEnd('.')}")} (SupervisorOptions.MaxStarts).");
            life.Token.ThrowIfCancellationRequested();
            if (current.Failures > 0 && plan.Retry is { } retry) await Task.Delay(retry.PauseAfter(current.Failures), core.Options.Time, life.Token).ConfigureAwait(false);
            Declarations.Check(plan, function);
            FlowTypes.Check(watch.Plan.Streams, plan, function);
            feedWatch = new FeedWatch(core, watch.Plan, plan, feedLife.Token).RunAsync();
            await InputReadiness.WaitAsync(core.Calls, Run, plan, life.Token).ConfigureAwait(false);
            var started = new RunEvent(RunEventKind.Started, core.Options.Name, processor, Start: begun.Starts);
            await CommitAsync(started, begun, life.Token).ConfigureAwait(false);
            invocation = await Invocation.OpenAsync(core, watch.Plan, plan, begun, function, partition, stalls, life.Token).ConfigureAwait(false);
            await invocation.ExecuteAsync(core.Executor).ConfigureAwait(false);
            await feedLife.CancelAsync().ConfigureAwait(false);
            await feedWatch.ConfigureAwait(false);
            end = new(RunEventKind.Completed, core.Options.Name, processor);
            ended = await EndAsync(invocation, plan, end).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            bool isRetried = invocation is not null && !life.IsCancellationRequested && plan.Retry is not null && IsOwn(e);
            if (isRetried) await invocation!.KeepAsync().ConfigureAwait(false);
            if (invocation is not null) await invocation.SettleAsync().ConfigureAwait(false);
            await feedLife.CancelAsync().ConfigureAwait(false);
            await feedWatch.ConfigureAwait(false);
            if (partition.Lost.IsCancellationRequested) throw new OperationCanceledException("The partition is lost.", e, partition.Lost);
            if ((FindLoss(e) ?? FindLoss(watch.Failure)) is { } loss) throw new StoreRolledBackException(loss.Message, e);
            if (watch.Cancelled.IsCancellationRequested) end = new(RunEventKind.Cancelled, core.Options.Name, processor, watch.CancelReason);
            else if (handingOver.IsCancellationRequested)
            {
                // Whatever it throws now may come of that. If not, it will throw it again.
                await HandOverAsync(invocation?.Stored ?? begun).ConfigureAwait(false);
                return;
            }
            else if (watch.Failure is { } failure) end = Failed(failure, plan);
            else if (e is ExecutionLostException) throw;
            else if (await FindCancelAsync().ConfigureAwait(false) is { } cancel) end = cancel;
            else
            {
                int attempt = isRetried ? AttemptOf(begun, invocation!.Stored) : 1;
                if (isRetried && attempt <= plan.Retry!.Retries)
                {
                    await RetryAsync(invocation!.Stored, attempt, plan, e).ConfigureAwait(false);
                    throw new AttemptFailedException();
                }
                end = Failed(e, plan, attempt);
            }
        }
        finally
        {
            invocation?.Dispose();
        }
        if (ended is null) await EndAsync(plan, invocation?.Stored ?? begun, end).ConfigureAwait(false);
        else if (ended.IsUntold) await TellAsync(ended).ConfigureAwait(false);
        await CloseAsync(plan).ConfigureAwait(false);
        // What earlier starts have put out is not counted where they are gone on from.
        if (end.Kind == RunEventKind.Completed && current.Inputs.Count == 0)
            foreach (var (output, count) in invocation!.Counts)
                if (count == 0) core.Warn($"The processor {processor} of the run {Run} has ended and has put out nothing to {output}.");
    }

    /// <summary>Who cancels a run writes it down, and then fails the streams: what has gone wrong here may come of that, though nobody has told it yet.</summary>
    private async Task<RunEvent?> FindCancelAsync()
    {
        RunWatch? now = await RunWatch.OpenAsync(core.Calls, Run, partition.Lost).ConfigureAwait(false);
        if (now is null) return null;
        await using (now.ConfigureAwait(false)) return now.IsCancelled ? new(RunEventKind.Cancelled, core.Options.Name, processor, now.CancelReason) : null;
    }

    /// <summary>What a function made of it may stand around it.</summary>
    private static StoreRolledBackException? FindLoss(Exception? e)
        => e is null or StoreRolledBackException ? e as StoreRolledBackException
            : e is AggregateException all ? all.InnerExceptions.Select(FindLoss).FirstOrDefault(loss => loss is not null) : FindLoss(e.InnerException);

    /// <summary>Whether the function itself has failed, in a way that may be otherwise the next time.</summary>
    private bool IsOwn(Exception e) => e is not (ExecutionLostException or NondeterministicReplayException) && StreamFailures.Of(e, processor) is { IsCancelled: false } failure && failure.Processor == processor;

    /// <summary>Which attempt has failed, from one: those that follow progress count anew.</summary>
    private static int AttemptOf(Assignment begun, Assignment now)
    {
        bool hasMoved = now.State != begun.State || now.Inputs.Any(input => input.Value != begun.Inputs.GetValueOrDefault(input.Key));
        return hasMoved ? 1 : begun.Failures + 1;
    }

    /// <summary>One commit: the attempt counts as failed, and not as a start.</summary>
    private async Task RetryAsync(Assignment stored, int attempt, ProcessorPlan plan, Exception e)
    {
        string error = StreamFailures.Of(e, processor).Error;
        core.Warn($"The processor {processor} of the run {Run} has failed in attempt {attempt:N0} of {plan.Retry!.Retries + 1:N0}, and is tried again: {error}");
        await CommitAsync(new(RunEventKind.Retrying, core.Options.Name, processor, error) { Attempt = attempt }, stored with { Starts = stored.Starts - 1, Failures = attempt }, CancellationToken.None).ConfigureAwait(false);
    }

    private RunEvent Failed(Exception e, ProcessorPlan plan, int attempt = 1)
    {
        StreamFailure failure = StreamFailures.Of(e, processor);
        if (failure.Processor == processor)
        {
            if (attempt > 1) failure = failure with { Error = $"{failure.Error.TrimEnd('.')} (attempt {attempt:N0} of {plan.Retry!.Retries + 1:N0})." };
            // Whatever it is, it may come of that.
            string? difference = Declarations.Compare(plan, function.Processor, core.Options.Name);
            core.Warn($"The processor {processor} of the run {Run} has failed: {FailureLog.Of(e, failure.Error)}{(difference is null ? "" : $"\n{difference}")}");
            if (difference is not null) failure = failure with { Error = $"{failure.Error} {difference}" };
        }
        return new(RunEventKind.Failed, core.Options.Name, processor, failure.Error, failure.Processor) { IsDifference = failure.IsDifference, Attempt = attempt };
    }

    /// <summary>The same for a processor that has held back what it put out last: it is part of that commit.</summary>
    /// <returns>What is stored then; null if it holds nothing back.</returns>
    private async Task<Assignment?> EndAsync(Invocation invocation, ProcessorPlan plan, RunEvent end)
    {
        using EntryBatch entry = RunJson.Entry(end);
        Assignment? ended = null;
        bool isDone = await invocation.EndAsync((stored, commit) =>
        {
            ended = stored with { Ended = true, State = null };
            StoreCommit last = commit with { State = [WorkPartition.Row(ended)], Ends = [.. plan.Outputs.Select(output => new EndStream(FlowNames.Values(Run, output), StreamEnd.Complete))] };
            StoreCommit whole = last with { Outputs = [.. commit.Outputs, new(FlowNames.Journal(Run), entry)] };
            if (whole.Bytes <= StoreCommit.MaxBytes) return whole;
            // A value of any length, which nothing may stand beside.
            ended = ended with { IsUntold = true };
            return last with { State = [WorkPartition.Row(ended)] };
        }).ConfigureAwait(false);
        return isDone ? ended : null;
    }

    /// <summary>It has completed, and the run does not know yet.</summary>
    private Task TellAsync(Assignment ended) => CommitAsync(new(RunEventKind.Completed, core.Options.Name, processor), ended with { IsUntold = false }, CancellationToken.None);

    /// <summary>One commit: its outputs have ended, the run knows, and only its readers are left to be closed.</summary>
    private async Task EndAsync(ProcessorPlan plan, Assignment stored, RunEvent end)
    {
        StreamEnd how = end.Kind == RunEventKind.Completed ? StreamEnd.Complete
            : RunJson.End(new(end.Origin ?? processor, end.Error!, end.Kind == RunEventKind.Cancelled) { IsDifference = end.IsDifference });
        EndStream[] ends = [.. plan.Outputs.Select(output => new EndStream(FlowNames.Values(Run, output), how))];
        await CommitAsync(end, stored with { Ended = true, State = null }, CancellationToken.None, ends).ConfigureAwait(false);
    }

    /// <summary>It needs its inputs no more, and puts out nothing: what nobody else is left to read leaves the store.</summary>
    private async Task CloseAsync(ProcessorPlan plan)
    {
        string keeper = ReaderNames.Of(processor);
        foreach (string stream in plan.Inputs.Select(input => FlowNames.Values(Run, input)))
        {
            await core.Calls.DoAsync(stream, () => core.Calls.Store.CloseReaderAsync(stream, ReaderNames.Gate(keeper), partition.Lost), partition.Lost).ConfigureAwait(false);
            await core.Calls.DoAsync(stream, () => core.Calls.Store.CloseReaderAsync(stream, keeper, partition.Lost), partition.Lost).ConfigureAwait(false);
            await StreamRelease.LetGoAsync(core.Calls, stream, partition.Lost).ConfigureAwait(false);
        }
        foreach (string output in plan.Outputs) await StreamRelease.LetGoAsync(core.Calls, FlowNames.Values(Run, output), partition.Lost).ConfigureAwait(false);
        string choices = FlowNames.Choices(Run, processor);
        await core.Calls.DoAsync(choices, () => core.Calls.Store.DeleteStreamAsync(choices, partition.Lost), partition.Lost).ConfigureAwait(false);
        await ForgetAsync().ConfigureAwait(false);
    }

    private Task ForgetAsync() => partition.CommitAsync(commit => commit with { State = [WorkPartition.NoRow(Run)] });

    private Task HandOverAsync(Assignment stored)
        => CommitAsync(new(RunEventKind.HandedOver, core.Options.Name, processor), stored with { Starts = stored.Starts - 1 }, CancellationToken.None);

    /// <summary>An attempt has failed, that is written down, and another one follows.</summary>
    private sealed class AttemptFailedException : Exception;

    private async Task CommitAsync(RunEvent happened, Assignment next, CancellationToken cancellation, EndStream[]? ends = null)
    {
        using EntryBatch entry = RunJson.Entry(happened);
        await partition.CommitAsync(commit => commit with { Outputs = [new(FlowNames.Journal(Run), entry)], State = [WorkPartition.Row(next)], Ends = ends ?? [] }, cancellation).ConfigureAwait(false);
    }
}
