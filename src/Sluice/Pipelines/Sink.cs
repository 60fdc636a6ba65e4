namespace Sluice;

/// <summary>A typed piece of a pipeline at which items end.</summary>
/// <remarks>A value: immutable, safe for use by several threads, usable any number of times. Made by <see cref="Sink"/>, or by a pipe that ends in a function that returns nothing.</remarks>
/// <typeparam name="T">The type of what goes in.</typeparam>
public sealed partial class Sink<T>
{
    internal Sink(Pipe<T, Unit> pipe) => Pipe = pipe;

    /// <summary>The sink as a graph, without what it will be joined to.</summary>
    public Topology Topology => Pipe.Topology;

    /// <summary>The definition on one line: <c>Twice | Print</c>. A graph that brackets cannot express is drawn as <see cref="Topology.ToText"/> draws it.</summary>
    public override string ToString() => Drawing.Text(() => Topology, typeof(T));

    internal Pipe<T, Unit> Pipe { get; }

    internal static Sink<T> Of(Operator<T, Unit> stage) => new(Pipe<T, Unit>.Of(stage));
}
