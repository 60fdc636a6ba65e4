using Sluice.Pipelines;
using Sluice.Topologies;

namespace Sluice;

/// <summary>A typed end of a pipeline: items of type <typeparamref name="T"/> go in, none come out.</summary>
/// <remarks>Immutable and thread-safe; use it any number of times. Made by <see cref="Sink"/>, or by a pipe that ends in a function without
/// a result.</remarks>
/// <typeparam name="T">The type of the items that go in.</typeparam>
public sealed partial class Sink<T>
{
    internal Sink(Pipe<T, Unit> pipe) => Pipe = pipe;

    /// <summary>The topology of the sink's own stages.</summary>
    public Topology Topology => Pipe.Topology;

    /// <summary>Returns the definition on one line: <c>Twice | Print</c>. If brackets cannot express the graph, the text is the one of
    /// <see cref="Topology.ToText"/>.</summary>
    public override string ToString() => Drawing.Text(() => Topology, typeof(T));

    internal Pipe<T, Unit> Pipe { get; }

    internal static Sink<T> Of(Operator<T, Unit> stage) => new(Pipe<T, Unit>.Of(stage));
}
