using Sluice.Diagnostics;
using Sluice.Pipelines;
using Sluice.Scheduling;

namespace Sluice;

/// <summary>The output of a node: the node pushes its items to it.</summary>
/// <remarks>Use it only in the call that received it. Await every push: that is the backpressure. If pushes overlap, from one thread or
/// several, they reach the next stage one at a time, in the order of the calls. The call of the node ends when all its pushes have
/// ended.</remarks>
/// <typeparam name="T">The type of the items.</typeparam>
public sealed class Output<T>
{
    private const int ItemsPerTurn = 4096;           // a power of two

    private readonly StageContext context;
    private readonly Inlet<T> next;
    private readonly PushGate gate;
    private readonly bool holds;                     // what a call that waits has pushed is handed over: the wait may be long
    private Exception? failedDownstream;
    private Exception? failedUnseen;                 // of a named push, when the node had returned
    private List<IOutputItem>? held; // for named outputs, until the node has done its work on the item; under the gate's lock
    private bool hasWarned;

    internal Output(StageContext context, Inlet<T> next)
        => (this.context, this.next, gate, holds) = (context, next, new PushGate(context), next.HoldsOutputs);

    internal Ticket? Ticket { get; set; }

    /// <summary>Set while pushed items belong to no item and become root items of their own.</summary>
    internal StateScope? Emitting { get; set; }

    /// <summary>Whether no pushed item belongs to the item that the node has been given.</summary>
    internal bool EmitsAlways { get; init; }

    /// <summary>Pushes an item to the next stage. Completes when there is room for more. Now and then it goes to the end of the scheduler's
    /// queue, so that other work has a turn.</summary>
    /// <exception cref="InvalidOperationException">The call of the node has ended, so the item is lost and the run fails with this error;
    /// or more than 100,000 pushes that the node did not await are waiting.</exception>
    public ValueTask PushAsync(T item)
    {
        if (!gate.TryEnterFast()) return PushInTurnAsync(item);
        try
        {
            ValueTask pushed = Send(item);
            if (!pushed.IsCompletedSuccessfully)
            {
                gate.Keep();
                return WatchAsync(pushed);
            }
        }
        catch (Exception e)
        {
            failedDownstream = e;
            gate.ExitFast();
            throw;
        }
        bool yields = (context.Out & (ItemsPerTurn - 1)) == 0;
        gate.ExitFast();
        return yields ? YieldAsync() : default;
    }

    /// <summary>Refused: <c>output.PushAsync(item, cancellation)</c>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [Obsolete(CompileErrors.PushToken, error: true)]
    public ValueTask PushAsync(T item, CancellationToken cancellation) => throw CompileErrors.Refused();

    /// <summary>Pushes an item to a named output. If no reader wants that output in this run, the item is counted and discarded. In a
    /// consecutor it is sent when the processed item is committed (<see cref="ConsecutorOutput{T}"/>), and not at all if the node fails at
    /// that item.</summary>
    /// <exception cref="ArgumentException">The output is read as another type.</exception>
    /// <exception cref="InvalidOperationException">The call of the node has ended: the run fails with this error.</exception>
    /// <exception cref="PayloadException">The output leads to another consecutor, and the item cannot be serialized.</exception>
    public ValueTask PushAsync<TNamed>(NamedOutput<TNamed> output, TNamed item)
    {
        ArgumentNullException.ThrowIfNull(output);
        bool isCounted = gate.BeginBeside(), waits = false;
        try
        {
            ValueTask pushed = SendNamed(output, item);
            if (pushed.IsCompletedSuccessfully) return default;
            waits = true;
            if (!isCounted) gate.KeepBeside();
            return WatchNamedAsync(pushed);
        }
        finally
        {
            if (isCounted && !waits) gate.EndBeside();
        }
    }

    /// <summary>Begins a call of the node, on this thread.</summary>
    internal void Begin(Ticket? ticket)
    {
        Ticket = ticket;
        gate.Begin();
    }

    /// <summary>Notes that the call has returned a task that is not complete.</summary>
    internal void Suspend()
    {
        gate.Suspend();
        if (!holds || !gate.TryEnter()) return;
        next.Flush();
        gate.Exit();
    }

    /// <summary>Ends the call.</summary>
    /// <returns>Whether its pushes have ended too; if not, <see cref="EndAsync"/>.</returns>
    internal bool TryEnd() => gate.TryEnd();

    /// <summary>Waits for the pushes of an ended call: they belong to its item.</summary>
    internal async ValueTask EndAsync()
    {
        if (!hasWarned && !context.Run.IsStopping)
        {
            hasWarned = true;
            Warnings.Tell(
                $"The node {context.Run.NameOf(context.Node)} does not await all of its pushes: its method returned while one was waiting "
                    + $"for room. The pipeline waits in its place. Await every PushAsync.");
        }
        await gate.EndAsync();
    }

    /// <summary>Hands over the items for named outputs when the node has completed an item: they belong to the root item.</summary>
    internal void StageHeld()
    {
        if (held is not { Count: > 0 } || Root is not { } root) return;
        foreach (IOutputItem item in held) item.Stage(root);
        held.Clear();
        root.Add(1);
        root.Settle(Outcome.Completed);
    }

    /// <summary>Drops the items for named outputs, because the node has failed.</summary>
    internal void DropHeld()
    {
        if (held is not { Count: > 0 }) return;
        if (Root is { } root)
            foreach (IOutputItem item in held) item.Drop(root);
        held.Clear();
    }

    /// <summary>Throws a failure from downstream again, even if the node swallowed it: the node must not handle it.</summary>
    internal void ThrowIfFailedDownstream()
    {
        if (failedDownstream is { } failure) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
    }

    /// <summary>Takes the failure of a push to a named output that failed after the node had returned.</summary>
    internal Exception? TakeUnseenFailure() => Interlocked.Exchange(ref failedUnseen, null);

    internal bool IsFromDownstream(Exception e) => ReferenceEquals(e, failedDownstream);

    private Ticket? Root => Ticket ?? context.Ticket;

    // Inside of a turn.
    private ValueTask Send(T item)
    {
        context.Out++;
        StateScope? scope = Emitting ?? (EmitsAlways ? Root!.Touch() : null);
        if (scope is not null) return scope.Emit(context.Node, item) is { } emitted ? next.PushAsync(item, emitted) : default;
        Ticket?.Add(1);
        return next.PushAsync(item, Ticket);
    }

    private ValueTask SendNamed<TNamed>(NamedOutput<TNamed> output, TNamed item)
    {
        if (context.Run.Options.Following?.Outputs is not { } followed)
            return context.Run.Outputs.WriteAsync(context.Node, output.Name, item, context.Token);
        ValueTask<IOutputItem?> prepared = followed.PrepareAsync(context.Node, output.Name, item, Root, context.Token);
        if (!prepared.IsCompletedSuccessfully) return HoldAsync(prepared);
        Hold(prepared.Result);
        return default;
    }

    private void Hold(IOutputItem? item)
    {
        if (item is null) return;
        lock (gate.Sync) (held ??= []).Add(item);
    }

    private async ValueTask HoldAsync(ValueTask<IOutputItem?> prepared) => Hold(await prepared);

    private ValueTask PushInTurnAsync(T item)
    {
        ValueTask entered = gate.EnterAsync();
        if (!entered.IsCompletedSuccessfully) return WaitForTurnAsync(entered, item);
        bool yields;
        try
        {
            ValueTask pushed = Send(item);
            if (!pushed.IsCompletedSuccessfully) return WatchAsync(pushed);
            if (holds) next.Flush();
            yields = (context.Out & (ItemsPerTurn - 1)) == 0;
        }
        catch (Exception e)
        {
            failedDownstream = e;
            gate.Exit();
            throw;
        }
        gate.Exit();
        return yields ? YieldAsync() : default;
    }

    private async ValueTask WaitForTurnAsync(ValueTask entered, T item)
    {
        await entered;
        try
        {
            context.Run.ThrowIfStopping();
            if (failedDownstream is { } failure) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
            await Send(item);
            if (holds) next.Flush();
        }
        catch (Exception e)
        {
            failedDownstream = e;
            throw;
        }
        finally
        {
            gate.Exit();
        }
    }

    /// <summary>Yields now and then: a node that pushes without end would keep its thread.</summary>
    /// <remarks>A separate task, never reused: a node that forgets to await a push harms no other node.</remarks>
    private async ValueTask YieldAsync() => await new Waiter(context.Run.Scheduler).YieldAsync();

    private async ValueTask WatchAsync(ValueTask pushed)
    {
        try
        {
            await pushed;
            if (holds) next.Flush();
        }
        catch (Exception e)
        {
            failedDownstream = e;
            throw;
        }
        finally
        {
            gate.Exit();
        }
    }

    private async ValueTask WatchNamedAsync(ValueTask pushed)
    {
        try
        {
            await pushed;
        }
        catch (Exception e) when (gate.IsClosed)
        {
            Volatile.Write(ref failedUnseen, e);     // the node has returned: the stage fails the item in its place
            throw;
        }
        finally
        {
            gate.EndBeside();
        }
    }
}

/// <summary>An output of a node beside its main one. Declare it as a field or property of the node.</summary>
/// <typeparam name="T">The type of the items.</typeparam>
public sealed class NamedOutput<T> : INamedOutput
{
    /// <summary>Makes a named output. Make it in a field or property of the node, so that it is known when a run starts.</summary>
    /// <param name="name">The name by which the output is read (<see cref="RunOptions.Outputs"/>,
    /// <see cref="PipelineRun.Output{T}"/>).</param>
    /// <exception cref="ArgumentException">The name is null or empty.</exception>
    public NamedOutput(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        Name = name;
        NodeOutputs.Made(this);
    }

    /// <summary>The name of the output.</summary>
    public string Name { get; }

    Type INamedOutput.Type => typeof(T);

    /// <summary>The name of the output.</summary>
    public override string ToString() => Name;
}
