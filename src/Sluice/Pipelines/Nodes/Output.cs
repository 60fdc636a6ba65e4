namespace Sluice;

/// <summary>Where a node pushes its items to.</summary>
/// <remarks>For use by the node it was given to, during the call it was given to, and by one thread at a time.</remarks>
/// <typeparam name="T">The type of the items.</typeparam>
public sealed class Output<T>
{
    private const int ItemsPerTurn = 4096;           // a power of two

    private readonly StageContext context;
    private readonly Inlet<T> next;
    private Exception? failedDownstream;
    private List<IOutputItem>? held;                 // for named outputs, until the node has done its work on the item

    internal Output(StageContext context, Inlet<T> next) => (this.context, this.next) = (context, next);

    internal Ticket? Ticket { get; set; }

    /// <summary>Set where what is pushed is no part of an item, and becomes one of its own.</summary>
    internal StateScope? Emitting { get; set; }

    /// <summary>Pushes an item on. Completes when there is room for more; now and then it goes to the end of the scheduler's queue, so that others get a turn.</summary>
    public ValueTask PushAsync(T item)
    {
        context.Out++;
        Ticket? ticket = Emitting is { } scope ? scope.Emit(context.Node, item) : Ticket;
        if (Emitting is null) ticket?.Add(1);
        try
        {
            ValueTask pushed = next.PushAsync(item, ticket);
            if (!pushed.IsCompletedSuccessfully) return WatchAsync(pushed);
            return (context.Out & (ItemsPerTurn - 1)) == 0 ? YieldAsync() : default;
        }
        catch (Exception e)
        {
            failedDownstream = e;
            throw;
        }
    }

    /// <summary>
    /// Pushes an item to a named output. If nobody reads that output in this run, the item is counted and discarded. In a consecutor it goes there when the item that is being
    /// processed is committed (<see cref="ConsecutorOutput{T}"/>), and not at all if the node fails at it.
    /// </summary>
    /// <exception cref="ArgumentException">The output is read as another type.</exception>
    /// <exception cref="PayloadException">It leads to another consecutor, and the item cannot be written.</exception>
    public ValueTask PushAsync<TNamed>(NamedOutput<TNamed> output, TNamed item)
    {
        ArgumentNullException.ThrowIfNull(output);
        if (context.Run.Options.Following?.Outputs is not { } followed) return context.Run.Outputs.WriteAsync(context.Node, output.Name, item, context.Token);
        ValueTask<IOutputItem?> prepared = followed.PrepareAsync(context.Node, output.Name, item, Root, context.Token);
        if (!prepared.IsCompletedSuccessfully) return HoldAsync(prepared);
        Hold(prepared.Result);
        return default;
    }

    /// <summary>The node has done its work on the item: what it has put out by name hangs on the item's root, which so has reached an end.</summary>
    internal void StageHeld()
    {
        if (held is not { Count: > 0 } || Root is not { } root) return;
        foreach (IOutputItem item in held) item.Stage(root);
        held.Clear();
        root.Add(1);
        root.Settle(Outcome.Completed);
    }

    /// <summary>It has failed.</summary>
    internal void DropHeld()
    {
        if (held is not { Count: > 0 }) return;
        if (Root is { } root)
            foreach (IOutputItem item in held) item.Drop(root);
        held.Clear();
    }

    private Ticket? Root => Ticket ?? context.Ticket;

    private void Hold(IOutputItem? item)
    {
        if (item is not null) (held ??= []).Add(item);
    }

    private async ValueTask HoldAsync(ValueTask<IOutputItem?> prepared) => Hold(await prepared);

    /// <summary>What failed downstream is not the node's to handle: it goes on even if the node swallowed it.</summary>
    internal void ThrowIfFailedDownstream()
    {
        if (failedDownstream is { } failure) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
    }

    internal bool IsFromDownstream(Exception e) => ReferenceEquals(e, failedDownstream);

    /// <summary>A node that pushes without end would keep its thread, which others may need.</summary>
    /// <remarks>A wait of its own, not one that is used again: somebody who forgets to await a push harms nobody else.</remarks>
    private async ValueTask YieldAsync() => await new Waiter(context.Run.Scheduler).YieldAsync();

    private async ValueTask WatchAsync(ValueTask pushed)
    {
        try
        {
            await pushed;
        }
        catch (Exception e)
        {
            failedDownstream = e;
            throw;
        }
    }
}

/// <summary>An output of a node beside the main one. Declared as a field or property of the node.</summary>
/// <typeparam name="T">The type of its items.</typeparam>
public sealed class NamedOutput<T> : INamedOutput
{
    /// <summary>Made as a field or property of a node, so that it is known when a run starts.</summary>
    /// <param name="name">Its name; by it the output is read (<see cref="RunOptions.Outputs"/>, <see cref="Run.Output{T}"/>).</param>
    /// <exception cref="ArgumentNullException">Null.</exception>
    public NamedOutput(string name)
    {
        Name = name ?? throw new ArgumentNullException(nameof(name));
        NodeOutputs.Made(this);
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    Type INamedOutput.Type => typeof(T);

    /// <summary>Its name.</summary>
    public override string ToString() => Name;
}
