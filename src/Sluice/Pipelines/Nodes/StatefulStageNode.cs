using Sluice.Diagnostics;
using Sluice.Pipelines;

namespace Sluice;

/// <summary>A node with state for each key. In a consecutor, its state is part of the commits that settle its items: it is exact after any
/// crash, and each item counts once, however often it was started.</summary>
/// <remarks>
/// <para>
/// The key is that of <see cref="Stage.KeyBy"/>, if that stands before the node; else the one that the item was accepted with
/// (<see cref="Consecutor{T}.Key"/>); else there is one state,
/// for the partition in a consecutor, and for the run elsewhere. Give the node a name in a consecutor (<see cref="Stage.Named"/>): its
/// state is found again by it.
/// </para>
/// <para>
/// In a consecutor, a failure takes everything back that its item has changed. In other runs, the state is that before the item, so far as
/// it was assigned, not
/// changed in place.
/// </para>
/// </remarks>
/// <example><code>
/// sealed class RunningBalance : StatefulStageNode&lt;Payment, Balance, decimal&gt;
/// {
///     protected override ValueTask ProcessAsync(Payment item, Output&lt;Balance&gt; output, CancellationToken cancellation)
///     {
///         State += item.Amount;
///         return output.PushAsync(new(item.Account, State));
///     }
/// }
/// </code></example>
/// <typeparam name="TIn">The type of the items that go in.</typeparam>
/// <typeparam name="TOut">The type of the items that come out.</typeparam>
/// <typeparam name="TState">The type of the state of one key; serializable in a consecutor, and preferably immutable.</typeparam>
public abstract class StatefulStageNode<TIn, TOut, TState> : StageNode<TIn, TOut>
{
    private StateCells<TState>? cells;
    private StateCells<TState>.Cell? cell;

    /// <summary>The state of the item's key. For use while an item is processed.</summary>
    /// <remarks>Assigning it changes it. An object that can be changed in place is taken for changed once it was asked for; behind
    /// <see cref="RemoveState"/>, it begins a new state.</remarks>
    /// <exception cref="InvalidOperationException">No item is being processed.</exception>
    protected TState State
    {
        get
        {
            StateCells<TState>.Cell current = Current;
            if (RuntimeHelpers.IsReferenceOrContainsReferences<TState>() && typeof(TState) != typeof(string))
            {
                current.IsRemoved = false;           // by this item before, or by an earlier one of the round
                cells!.Change(current);
            }
            return current.Value;
        }
        set
        {
            StateCells<TState>.Cell current = Current;
            (current.Value, current.IsRemoved) = (value, false);
            cells!.Change(current);
        }
    }

    /// <summary>The item's key; empty where there are no keys. For use while an item is processed.</summary>
    /// <exception cref="InvalidOperationException">No item is being processed.</exception>
    protected string Key => Current.Key;

    /// <summary>The version of the form in which the state is stored: zero or more. Raise it when the form changes, and read the old ones
    /// in <see cref="Migrate"/>.</summary>
    protected virtual int StateVersion => 0;

    /// <summary>The state of a key that has none yet; the default of its type unless overridden.</summary>
    /// <remarks>
    /// If the state is a mutable object, return a new one at each call. An object that keys share, such as a static list, is changed for
    /// all of them, is not stored with them, and keeps the changes of items that fail.
    /// </remarks>
    protected virtual TState InitialState(string key) => default!;

    /// <summary>Reads a state that was stored in an older version. Unless overridden, it is refused. A newer version is refused
    /// always.</summary>
    /// <remarks>If it throws, the items that need this state fail; the others go on. A <see cref="NotSupportedException"/> stops the
    /// consecutor instead.</remarks>
    /// <exception cref="NotSupportedException">The version is none that this code knows.</exception>
    protected virtual TState Migrate(StoredState stored) => throw new NotSupportedException(
        $"The state of {(stored.Key.Length == 0 ? "the node" : $"the key '{stored.Key}'")} was stored as version {stored.Version}, and "
            + $"this is version {StateVersion} of {GetType().Name}. Override Migrate to read it.");

    /// <summary>The key has no state any more: the next item of it begins anew. Call it last: <see cref="State"/>, if it is asked for
    /// afterwards, is a new state, which is kept.</summary>
    /// <exception cref="InvalidOperationException">No item is being processed.</exception>
    protected void RemoveState()
    {
        StateCells<TState>.Cell current = Current;
        (current.Value, current.IsRemoved) = (InitialState(current.Key), true);
        cells!.Change(current);
    }

    /// <summary>
    /// Called once for each key that has a state, when the input has ended: at the end of a run, before <c>EndAsync</c>; in a consecutor,
    /// when it is complete (<see cref="Consecutor{T}.CompleteAsync"/>) and everything accepted has ended. May push, and change or remove
    /// the state.
    /// </summary>
    /// <remarks><para>A key has a state when an item that has not failed has changed its <see cref="State"/>. Each lane or partition takes
    /// its keys in ordinal order.</para>
    /// <para>In a consecutor, what it pushes is committed together with the fact that it was called: a crash in between repeats it.
    /// Where it throws, the consecutor fails, and the next one calls it again.</para></remarks>
    protected virtual ValueTask EndKeyAsync(Output<TOut> output, CancellationToken cancellation) => default;

    internal override bool KeepsState => true;

    /// <summary>Whether a key that still has a state when it has ended has more to put out.</summary>
    internal virtual bool EndsInSteps => false;

    internal override Inlet<TIn> Stage(StageContext context, Inlet<TIn> inner)
        => new StatefulStage<TIn, TOut, TState>(context, (NodeStage<TIn, TOut>)inner, this);

    internal ValueTask EndKey(Output<TOut> output, CancellationToken cancellation) => EndKeyAsync(output, cancellation);

    /// <summary>The state of one partition of a consecutor.</summary>
    internal virtual StateCells<TState> MakeCells(StatefulForm<TState> form, StateScope scope)
        => new(form, scope.Memory) { Scope = scope };

    /// <summary>The state of the item's key, which is not changed in place.</summary>
    internal TState Known => Current.Value;

    /// <summary>The state of the partition that the node is processing.</summary>
    internal StateCells<TState>? Cells => cells;

    internal virtual StatefulForm<TState> Form => new(StateVersion, GetType().Name, InitialState, Migrate);

    internal override StateShape Shape => new("node", typeof(TState), StateVersion)
    {
        IsByPartition = true                         // unless items have keys
    };

    internal void Enter(StateCells<TState> cells, StateCells<TState>.Cell cell) => (this.cells, this.cell) = (cells, cell);

    internal void Leave(StateCells<TState>.Cell left)
    {
        if (ReferenceEquals(cell, left)) cell = null;
    }

    private StateCells<TState>.Cell Current
        => cell ?? throw new InvalidOperationException(
        $"The state of {GetType().Name} is that of an item's key: it is there while ProcessAsync works on the item.");
}
