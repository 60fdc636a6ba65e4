using System.Collections;
using Sluice.Pipelines;

namespace Sluice;

/// <summary>Several sinks in brackets. Each sink gets every item, <c>source | [ToDatabaseAsync, ToFile]</c>; with a router beside them,
/// each item goes to one sink. Made by a collection expression.</summary>
/// <typeparam name="T">The type of the items.</typeparam>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1010",
    Justification = "See GetEnumerator: typed, it would take no functions.")]
[System.Diagnostics.CodeAnalysis.SuppressMessage("Naming", "CA1710", Justification = "Branches are what the design calls them.")]
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class SinkCollection<T> : IEnumerable
{
    private readonly List<Sink<T>> sinks = [];
    private readonly List<(Func<T, string>? Name, Func<T, int>? Index)> routers = [];

    /// <summary>Adds a function that is called with every item.</summary>
    public void Add(Action<T> sink) => Add(OperatorFactory.End(sink));

    /// <inheritdoc cref="Add(Action{T})"/>
    [OverloadResolutionPriority(1)]
    public void Add(Func<T, Task> sink) => Add(OperatorFactory.End(sink));

    /// <inheritdoc cref="Add(Action{T})"/>
    public void Add(Func<T, ValueTask> sink) => Add(OperatorFactory.End(sink));

    /// <inheritdoc cref="Add(Action{T})"/>
    [OverloadResolutionPriority(1)]
    public void Add(Func<T, CancellationToken, Task> sink) => Add(OperatorFactory.End(sink));

    /// <inheritdoc cref="Add(Action{T})"/>
    public void Add(Func<T, CancellationToken, ValueTask> sink) => Add(OperatorFactory.End(sink));

    /// <inheritdoc cref="Add(Action{T})"/>
    [OverloadResolutionPriority(1)]
    public void Add(Func<T, ItemContext, Task> sink) => Add(OperatorFactory.End(sink));

    /// <inheritdoc cref="Add(Action{T})"/>
    public void Add(Func<T, ItemContext, ValueTask> sink) => Add(OperatorFactory.End(sink));

    /// <inheritdoc cref="Add(Action{T})"/>
    [OverloadResolutionPriority(1)]
    public void Add(Func<T, ItemContext, CancellationToken, Task> sink) => Add(OperatorFactory.End(sink));

    /// <inheritdoc cref="Add(Action{T})"/>
    public void Add(Func<T, ItemContext, CancellationToken, ValueTask> sink) => Add(OperatorFactory.End(sink));

    /// <summary>Adds a sink.</summary>
    public void Add(Sink<T> sink)
    {
        ArgumentNullException.ThrowIfNull(sink);
        sinks.Add(sink);
    }

    /// <summary>Adds a branch that ends in a sink: <c>s => s | Format | WriteLine</c>.</summary>
    public void Add(Func<Source<T>, Pipeline> branch)
    {
        ArgumentNullException.ThrowIfNull(branch);
        sinks.Add(new(Pipe<T, Unit>.Of(source => branch(source).Tail)));
    }

    /// <summary>Adds a router by name: each item goes to the sink whose first stage has the name.</summary>
    public void Add(Router<Func<T, string>> router)
    {
        ArgumentNullException.ThrowIfNull(router);
        routers.Add((router.Function, null));
    }

    /// <summary>Adds a router by index: each item goes to the sink of that index, from 0.</summary>
    public void Add(Router<Func<T, int>> router)
    {
        ArgumentNullException.ThrowIfNull(router);
        routers.Add((null, router.Function));
    }

    /// <summary>Refused: a function of other items, or one that is no sink.</summary>
    [OverloadResolutionPriority(-1)]
    [Obsolete(CompileErrors.SinkInBrackets, error: true)]
    public void Add(Delegate function) => throw CompileErrors.Refused();

    /// <summary>Refused: an object that is no sink.</summary>
    [OverloadResolutionPriority(-2)]
    [Obsolete(CompileErrors.SinkInBrackets, error: true)]
    public void Add(object sink) => throw CompileErrors.Refused();

    /// <summary>The sinks, in the order written.</summary>
    /// <remarks>Untyped on purpose: the elements of a collection expression must convert to the type of this sequence, and functions
    /// convert to nothing narrower.</remarks>
    public IEnumerator GetEnumerator() => sinks.GetEnumerator();

    internal Source<Unit> After(Source<T> source) => Router.After(source, [.. sinks.Select(sink => sink.Pipe)], [.. routers]);

    private void Add(Operator<T, Unit> sink) => sinks.Add(Sink<T>.Of(sink));
}
