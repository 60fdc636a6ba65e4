using Sluice.Scheduling;
using Sluice.Topologies;

namespace Sluice.Pipelines;

/// <param name="factory">Makes an instance.</param>
/// <param name="owns">Whether instances are disposed with their run: not one that the user made and keeps.</param>
internal class NodeOperator<TIn, TOut>(Func<StageNode<TIn, TOut>> factory, bool owns = true) : Operator<TIn, TOut>, IHasOutputs
{
    private StageNode<TIn, TOut>? probe;                  // made to be asked, and not used yet
    private string? hint;
    private bool? keepsState;
    private bool? hasEnd, hasTimers;
    private List<INamedOutput>? made;                // by the factory
    private IReadOnlyCollection<INamedOutput>? outputs;

    public override string Kind => typeof(TOut) == typeof(Unit) ? "sink" : "node";

    public override string? Hint => hint ??= Probe().GetType().Name;

    public override bool IsAsynchronous => true;

    public override bool CanBeAbandoned => false;

    public override bool IsByKey => false;

    public override bool CountsOnOneRun => true;

    public override bool IsOneInstance => !owns;

    public override string? Stateful => KeepsState ? "keeps state by key" : null;

    public override bool IsTimed => HasTimers;

    public override bool HasTimers => hasTimers ??= Probe().HasTimers;

    public override string? Forgets => Probe().HasEnd
        ? "may hold something until EndAsync (a StatefulStageNode keeps that in the store, and puts it out by EndKeyAsync)" : base.Forgets;

    public override string? StartsAnew => (hasEnd ??= Probe().HasEnd) ? "may hold something until EndAsync" : base.StartsAnew;

    public override IHasOutputs NodeOutputs => this;

    public IReadOnlyCollection<INamedOutput> NamedOutputs => outputs ??= OutputsOf(Probe());

    public override bool KeepsState => keepsState ??= Probe().KeepsState;

    public override StateShape Shape => Probe().Shape;

    public override Inlet<TIn> Create(StageContext context, Inlet<TOut> next)
    {
        StageNode<TIn, TOut> node = Interlocked.Exchange(ref probe, null) ?? Make();
        hint ??= node.GetType().Name;
        hasEnd ??= node.HasEnd;
        hasTimers ??= node.HasTimers;
        keepsState ??= node.KeepsState;
        return node.Stage(context, new NodeStage<TIn, TOut>(context, next, node, hint, owns));
    }

    /// <summary>An instance to ask what it is; the next stage gets it, so that a factory makes no more than are used.</summary>
    private StageNode<TIn, TOut> Probe()
    {
        StageNode<TIn, TOut> node = Interlocked.Exchange(ref probe, null) ?? Make();
        Volatile.Write(ref probe, node);
        return node;
    }

    private IReadOnlyCollection<INamedOutput> OutputsOf(StageNode<TIn, TOut> node)
        => [.. made ?? [], .. Sluice.Pipelines.NodeOutputs.In(node.GetType(), node)];

    private StageNode<TIn, TOut> Make()
    {
        List<INamedOutput> its;
        StageNode<TIn, TOut>? node;
        try
        {
            node = Sluice.Pipelines.NodeOutputs.Make(factory, out its);
        }
        catch (Exception e) when (e is not OperationCanceledException and not InvalidTopologyException)
        {
            throw new InvalidTopologyException($"{Factory()} has failed. A node is also made before the first run, to find its name: "
                + $"keep its constructor light, and open resources in BeginAsync. {FailureText.Of(e)}", e);
        }
        made ??= its;
        return node ?? throw new InvalidTopologyException($"{Factory()} returned null. It makes an instance for each run and lane.");
    }

    private static string Factory() => typeof(TOut) == typeof(Unit) ? $"The factory of a node that takes {TypeNames.Of(typeof(TIn))}"
        : $"The factory of a node that takes {TypeNames.Of(typeof(TIn))} and puts out {TypeNames.Of(typeof(TOut))}";
}

internal sealed class NodeStage<TIn, TOut> : Stage<TIn, TOut>, INodeLifetime
{
    private readonly StageNode<TIn, TOut> node;
    private readonly Output<TOut> output;
    private readonly bool owns;
    private long outBefore;

    public NodeStage(StageContext context, Inlet<TOut> next, StageNode<TIn, TOut> node, string name, bool owns) : base(context, next)
    {
        this.owns = owns;
        if (!node.TryEnter(context))
        {
            throw new InvalidOperationException(
                $"The same instance of {name} would be used by two lanes or two runs at once. Give a factory that makes a new one: "
                    + $"StageNode.Of(() => new {name}(…)).");
        }
        this.node = node;
        output = new Output<TOut>(context, next) { EmitsAlways = node.Gathers };
        context.Run.Nodes.Add(this);
    }

    public override ValueTask PushAsync(TIn item, Ticket? ticket)
    {
        Context.In++;
        output.Begin(ticket);
        outBefore = Context.Out;
        try
        {
            ValueTask pending = node.Process(item, output, Context.Token);
            if (!pending.IsCompletedSuccessfully) return AwaitAsync(pending, item, ticket);
            pending.GetAwaiter().GetResult();
        }
        catch (Exception e)
        {
            if (output.TryEnd()) throw Decide(e, item, ticket);
            return AwaitAsync(ValueTask.FromException(e), item, ticket);
        }
        if (!output.TryEnd()) return AwaitAsync(default, item, ticket);
        Settle(ticket);
        return default;
    }

    /// <summary>Calls a hook at the end of the input. What it pushes is no part of an item.</summary>
    /// <param name="hook">The node's.</param>
    /// <param name="scope">Where what is pushed becomes an item of its own; null in a run whose state ends with it.</param>
    /// <param name="hold">What is put out by name hangs on it.</param>
    /// <param name="about">What it is about, where it fails; null for the end.</param>
    /// <param name="ended">The key that ends, where its failure names it.</param>
    public async ValueTask EndKeyAsync(Func<Output<TOut>, CancellationToken, ValueTask> hook, StateScope? scope, Ticket? hold,
        string? about = null, string? ended = null)
    {
        output.Emitting = scope;
        try
        {
            await CallHookAsync(hook, hold);
        }
        catch (Exception e)
        {
            output.DropHeld();
            if (ended is not null) about = $"the end of the key '{ItemText.Of(ended)}'";
            throw IsNotOurs(e) ? e : about is null ? Context.Failure(e) : Context.Failure(e, about, hold);
        }
        finally
        {
            output.Emitting = null;
        }
        output.StageHeld();
        output.Ticket = null;
    }

    public async ValueTask BeginAsync()
    {
        Context.IsSuspended = true;                  // also while it blocks: no pump works, which would be named
        try
        {
            await node.Begin(Context.Token);
        }
        finally
        {
            Context.IsSuspended = false;
        }
    }

    public void NeverBegins() => _ = DisposeAsync().AsTask().Observed();

    public async ValueTask DisposeAsync()
    {
        Context.IsSuspended = owns;
        try
        {
            if (!owns) return;
            if (node is IAsyncDisposable later) await later.DisposeAsync();
            else if (node is IDisposable now) now.Dispose();
        }
        finally
        {
            node.Leave();
            Context.IsSuspended = false;
        }
    }

    protected override async ValueTask OnCompleteAsync()
    {
        try
        {
            await CallHookAsync(node.End, null);
        }
        catch (Exception e)
        {
            throw IsNotOurs(e) ? e : Context.Failure(e);
        }
        await Next.CompleteAsync();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask AwaitAsync(ValueTask pending, TIn item, Ticket? ticket)
    {
        output.Suspend();
        Context.IsSuspended = true;
        try
        {
            await pending;
        }
        catch (Exception e)
        {
            if (!output.TryEnd()) await output.EndAsync();       // before the item is given up: what is pushed belongs to it
            throw Decide(e, item, ticket);
        }
        finally
        {
            if (!output.TryEnd()) await output.EndAsync();
            Context.IsSuspended = false;
        }
        if (output.TakeUnseenFailure() is { } unseen) throw Decide(unseen, item, ticket);
        Settle(ticket);
    }

    private async ValueTask CallHookAsync(Func<Output<TOut>, CancellationToken, ValueTask> hook, Ticket? hold)
    {
        output.Begin(hold);
        try
        {
            ValueTask pending = hook(output, Context.Token);
            output.Suspend();
            Context.IsSuspended = !pending.IsCompleted;
            await pending;
        }
        finally
        {
            if (!output.TryEnd()) await output.EndAsync();
            Context.IsSuspended = false;
        }
        if (output.TakeUnseenFailure() is { } unseen) throw unseen;
        output.ThrowIfFailedDownstream();
    }

    private void Settle(Ticket? ticket)
    {
        output.ThrowIfFailedDownstream();
        output.StageHeld();
        if (typeof(TOut) == typeof(Unit))
        {
            Context.Out++;
            ticket?.Settle(Outcome.Completed);
        }
        else if (node.Gathers) ticket?.Settle(Outcome.Completed);
        else ticket?.Settle(Outcome.Skipped);        // this node's own hold; what was pushed decides, if anything was
    }

    private bool IsNotOurs(Exception e) => output.IsFromDownstream(e) || e is RunStoppedException;

    /// <summary>A failure further down passes through as it is; anything else is this node's.</summary>
    private Exception Decide(Exception e, object? item, Ticket? ticket)
    {
        output.DropHeld();
        return IsNotOurs(e) ? e : Context.Failure(e, item, ticket, isPartial: Context.Out != outBefore);
    }
}
