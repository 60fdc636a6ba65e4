using Sluice.Diagnostics;

namespace Sluice;

/// <summary>A stage as a class: with state, several pushes per item, named outputs, and hooks at the beginning and the end.</summary>
/// <remarks>
/// Given as a factory, <c>source | StageNode.Of(() => new MovingAverage(5))</c>: every run and every lane has an instance of
/// its own, whose methods are never called at the same time, so that it needs no locks. It is disposed with its run if it
/// is disposable. Handing an instance itself is allowed where there is one lane and one run at a time.
/// </remarks>
/// <typeparam name="TIn">The type of the items that go in.</typeparam>
/// <typeparam name="TOut">The type of the items that come out.</typeparam>
[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.AllFields)]        // named outputs are looked for in them
public abstract class StageNode<TIn, TOut>
{
    private StageContext? context;

    /// <summary>The node's name in the pipeline.</summary>
    protected string Name => Context.Run.NameOf(Context.Node);

    /// <summary>The clock of the run. A node that uses another clock cannot be tested.</summary>
    protected TimeProvider Clock => Context.Run.Time;

    private StageContext Context => context
        ?? throw new InvalidOperationException(
        $"The node {GetType().Name} is not part of a run. Its name, clock and state are there from BeginAsync to its disposal.");

    /// <summary>Called once, before the first item of the run; the nodes upstream have begun.</summary>
    protected virtual ValueTask BeginAsync(CancellationToken cancellation) => default;

    /// <summary>Called with every item, one at a time. Push any number of items, and await every push: that is the backpressure. Returning
    /// means that the item was processed: a method that leaves because its token is cancelled throws.</summary>
    /// <remarks>A stage further down that has enough, such as <c>Take</c>, tells the sources and not the nodes: what this method still
    /// pushes is skipped. For a sequence without end use <c>SelectManyAsync</c>, whose token is cancelled then.</remarks>
    protected abstract ValueTask ProcessAsync(TIn item, Output<TOut> output, CancellationToken cancellation);

    /// <summary>
    /// Called once, after the last item; may push. Not called when the run is cancelled or has failed. A node that has this is refused in
    /// consecutors, where a stop is no end of the input:
    /// there, <see cref="StatefulStageNode{TIn, TOut, TState}"/> keeps what is held over any stop, and puts it out when the input is
    /// complete.
    /// </summary>
    protected virtual ValueTask EndAsync(Output<TOut> output, CancellationToken cancellation) => default;

    /// <summary>The object that all nodes of the run share (see <see cref="RunOptions.State"/>).</summary>
    /// <exception cref="InvalidOperationException">The run was started without one, or with one of another type.</exception>
    protected TState State<TState>() where TState : class => Context.Run.State<TState>();

    /// <summary>Measures a part of the node's work: <c>using (Measure("query")) rows = await QueryAsync(item);</c>. The sum is in
    /// <see cref="NodeSnapshot.Measured"/>.</summary>
    /// <remarks>By the run's clock. May be nested and overlap, under different names or the same.</remarks>
    /// <param name="part">A name for it.</param>
    /// <returns>Measures until it is disposed.</returns>
    /// <exception cref="ArgumentException">No name.</exception>
    protected NodeStopwatch Measure(string part)
    {
        ArgumentException.ThrowIfNullOrEmpty(part);
        return new(Context, part);
    }

    /// <summary>Whether the node has state that outlives the run, if the state of the run does.</summary>
    internal virtual bool KeepsState => false;

    /// <summary>Whether the node has timers.</summary>
    internal virtual bool HasTimers => false;

    /// <summary>Whether items end in the node, which holds them in its state: they are completed when it has taken them, and all that it
    /// pushes is root items of their own. Only in a consecutor.</summary>
    internal virtual bool Gathers => false;

    /// <summary>The form of its state.</summary>
    internal virtual StateShape Shape => default;

    /// <summary>Whether the node has a hook at the end of the input.</summary>
    internal virtual bool HasEnd => new Func<Output<TOut>, CancellationToken,
        ValueTask>(EndAsync).Method.DeclaringType != typeof(StageNode<TIn, TOut>);

    /// <summary>Wraps the inlet of the node in the stage that it needs.</summary>
    internal virtual Inlet<TIn> Stage(StageContext context, Inlet<TIn> inner) => inner;

    internal bool TryEnter(StageContext run) => Interlocked.CompareExchange(ref context, run, null) is null;

    internal void Leave() => context = null;

    internal ValueTask Begin(CancellationToken cancellation) => BeginAsync(cancellation);

    internal ValueTask Process(TIn item, Output<TOut> output, CancellationToken cancellation) => ProcessAsync(item, output, cancellation);

    internal ValueTask End(Output<TOut> output, CancellationToken cancellation) => EndAsync(output, cancellation);
}

/// <summary>A sink as a class: a <see cref="StageNode{TIn, TOut}"/> without outputs.</summary>
/// <typeparam name="T">The type of the items that go in.</typeparam>
public abstract class SinkNode<T> : StageNode<T, Unit>
{
    /// <summary>Called with every item, one at a time. Returning means that the item was processed: a method that leaves because its token
    /// is cancelled throws.</summary>
    protected abstract ValueTask ProcessAsync(T item, CancellationToken cancellation);

    /// <summary>Called once, after the last item. Not called when the run is cancelled or has failed. A node that has this is refused in
    /// consecutors, where a stop is no end of the input.</summary>
    protected virtual ValueTask EndAsync(CancellationToken cancellation) => default;

    internal override bool HasEnd => new Func<CancellationToken, ValueTask>(EndAsync).Method.DeclaringType != typeof(SinkNode<T>);

    /// <inheritdoc/>
    protected sealed override ValueTask ProcessAsync(T item, Output<Unit> output, CancellationToken cancellation)
        => ProcessAsync(item, cancellation);

    /// <inheritdoc/>
    protected sealed override ValueTask EndAsync(Output<Unit> output, CancellationToken cancellation) => EndAsync(cancellation);
}
