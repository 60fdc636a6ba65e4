namespace Sluice.Pipelines;

/// <summary>Stands before a <see cref="StatefulStageNode{TIn, TOut, TState}"/>: finds the state of each item's key.</summary>
/// <remarks>One node for all partitions, with the cells of the item's partition; calls do not overlap.</remarks>
internal sealed class StatefulStage<TIn, TOut, TState> : PassThrough<TIn>, IStatefulStage, IKeyedStage
{
    private readonly StatefulStageNode<TIn, TOut, TState> node;
    private readonly StatefulForm<TState> form;
    private readonly Func<TIn, string>? keyOf;
    private readonly StateCells<TState>? own;        // in a run whose state ends with it
    private readonly NodeStage<TIn, TOut> inner;
    private readonly int number;

    public StatefulStage(StageContext context, NodeStage<TIn, TOut> inner, StatefulStageNode<TIn, TOut, TState> node) : base(context, inner)
    {
        (this.inner, this.node, form, keyOf) = (inner, node, node.Form, (Func<TIn, string>?)context.KeyOf);
        if (context.Run.Options.Following is { } following) number = following.Add(this, inner.Next);
        else own = new(form) { AreSaved = false };
        StateName = context.Run.Options.Following is null ? "" : context.Run.NameOf(Node);
    }

    public string StateName { get; }

    public Delegate? KeyOf => keyOf;

    public object MakeInstance(StateScope scope) => node.MakeCells(form, scope);

    /// <summary>The state of the partition of a ticket.</summary>
    public StateCells<TState> CellsOf(Ticket ticket) => (StateCells<TState>)ticket.Touch().Enter(number);

    public async ValueTask<bool> EndAsync(object instance, StateScope scope, string? key, Ticket hold)
    {
        var cells = (StateCells<TState>)instance;
        try
        {
            StateCells<TState>.Cell cell = await EndKeyAsync(cells, key!, scope, hold);
            if (node.EndsInSteps && !cell.IsRemoved) return true;
            cells.EndKey(key!);
            return false;
        }
        finally
        {
            Next.Flush();                            // no pump does it: this is none of its items
        }
    }

    public override ValueTask PushAsync(TIn item, Ticket? ticket)
    {
        Ticket? root = ticket ?? Context.Ticket;
        StateCells<TState> cells = own ?? (StateCells<TState>)root!.Touch().Enter(number);
        StateCells<TState>.Cell? cell;
        string key;
        try
        {
            key = keyOf is not null ? keyOf(item) : root?.StateKey ?? "";
            if (keyOf is not null) root?.CheckKey(key);
            cell = cells.Find(key);
        }
        catch (Exception e)
        {
            Context.In++;
            throw Context.Failure(e, item, ticket);
        }
        return cell is null ? ReadAsync(cells, key, item, ticket) : EnterAsync(cells, cell, item, ticket);
    }

    /// <summary>Ends all keys. Not in a consecutor, where the end of the run is not the end of the input.</summary>
    protected override async ValueTask OnCompleteAsync()
    {
        if (own is not null)
            foreach (string key in own.Keys)
            {
                Context.Run.ThrowIfStopping();
                await EndKeyAsync(own, key, null, null);
            }
        await Next.CompleteAsync();
    }

    /// <summary>Calls a hook of the node for a key, between items, in a run whose state ends with it.</summary>
    /// <param name="key">The key.</param>
    /// <param name="about">What calls it, where it fails.</param>
    /// <param name="hook">The hook.</param>
    public ValueTask FireAsync(string key, string about, Func<Output<TOut>, CancellationToken, ValueTask> hook)
        => FireAsync(own!, key, about, hook, null, null);

    /// <summary>Calls a hook of the node for a key, in a run whose state outlives it.</summary>
    /// <param name="cells">The state of the partition.</param>
    /// <param name="key">The key.</param>
    /// <param name="about">What calls the hook, where it fails.</param>
    /// <param name="hook">The hook.</param>
    /// <param name="scope">Where what it pushes becomes items of their own; null where it is part of the item of the ticket.</param>
    /// <param name="ticket">What fails with it. It has ended when this completes, but for what was pushed.</param>
    public async ValueTask FireAsync(StateCells<TState> cells, string key, string about,
        Func<Output<TOut>, CancellationToken, ValueTask> hook, StateScope? scope, Ticket? ticket)
    {
        StateCells<TState>.Cell cell;
        try
        {
            cell = cells.Find(key) ?? await cells.ReadAsync(key);
        }
        catch (Exception e)
        {
            throw Context.Failure(e, about, ticket);
        }
        node.Enter(cells, cell);
        try
        {
            await inner.EndKeyAsync(hook, scope, ticket, about);
        }
        finally
        {
            node.Leave(cell);
        }
        cells.Free(cell);
        ticket?.Settle(Outcome.Skipped);
    }

    private async ValueTask<StateCells<TState>.Cell> EndKeyAsync(StateCells<TState> cells, string key, StateScope? scope, Ticket? hold)
    {
        StateCells<TState>.Cell cell;
        try
        {
            cell = cells.Find(key) ?? await cells.ReadAsync(key);
        }
        catch (StateMigrationException e)
        {
            throw Context.Failure(e);
        }
        node.Enter(cells, cell);
        try
        {
            await inner.EndKeyAsync(node.EndKey, scope, hold, ended: hold is null && keyOf is not null ? key : null);
        }
        finally
        {
            node.Leave(cell);
        }
        return cell;
    }

    private ValueTask EnterAsync(StateCells<TState> cells, StateCells<TState>.Cell cell, TIn item, Ticket? ticket)
    {
        (TState value, bool isRemoved, bool wasChanged) = (cell.Value, cell.IsRemoved, cell.IsChanged);
        node.Enter(cells, cell);
        ValueTask pushed;
        try
        {
            pushed = Next.PushAsync(item, ticket);
            if (!pushed.IsCompletedSuccessfully) return LeaveAsync(pushed, cells, cell, value, isRemoved, wasChanged);
        }
        catch
        {
            node.Leave(cell);
            cells.TakeBack(cell, value, isRemoved, wasChanged);
            throw;
        }
        node.Leave(cell);
        cells.Free(cell);
        return default;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask LeaveAsync(ValueTask pushed, StateCells<TState> cells, StateCells<TState>.Cell cell, TState value,
        bool isRemoved, bool wasChanged)
    {
        try
        {
            await pushed;
        }
        catch
        {
            node.Leave(cell);
            cells.TakeBack(cell, value, isRemoved, wasChanged);
            throw;
        }
        node.Leave(cell);
        cells.Free(cell);
    }

    private async ValueTask ReadAsync(StateCells<TState> cells, string key, TIn item, Ticket? ticket)
    {
        StateCells<TState>.Cell cell;
        try
        {
            cell = await cells.ReadAsync(key);
        }
        catch (Exception e)
        {
            Context.In++;
            throw Context.Failure(e, item, ticket);
        }
        await EnterAsync(cells, cell, item, ticket);
    }
}
