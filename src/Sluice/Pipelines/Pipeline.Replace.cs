using Sluice.Pipelines;

namespace Sluice;

// Replacing nodes: for tests that put a probe in place of a source or a sink, and for variants of a pipeline.
public sealed partial class Pipeline
{
    /// <summary>Returns a copy of the pipeline with another source in place of one of its sources.</summary>
    /// <param name="name">The name of a source in <see cref="Topology"/>.</param>
    /// <param name="replacement">The new source; it gets the name.</param>
    /// <exception cref="KeyNotFoundException">There is no node of this name.</exception>
    /// <exception cref="InvalidOperationException">The node is no source of this type.</exception>
    public Pipeline Replace<T>(string name, Source<T> replacement) => Replaced(name, replacement);

    /// <summary>Returns a copy of the pipeline with one or several other stages in place of one of its stages.</summary>
    /// <remarks>The annotations of the replaced stage are dropped, except its name: the last stage of the replacement gets it.</remarks>
    /// <param name="name">The name of a stage in <see cref="Topology"/>.</param>
    /// <param name="replacement">The new stages.</param>
    /// <exception cref="KeyNotFoundException">There is no node of this name.</exception>
    /// <exception cref="InvalidOperationException">The node has other item types, or is no stage.</exception>
    public Pipeline Replace<TIn, TOut>(string name, Pipe<TIn, TOut> replacement) => Replaced(name, replacement);

    /// <summary>Returns a copy of the pipeline with another sink in place of one of its sinks.</summary>
    /// <param name="name">The name of a sink in <see cref="Topology"/>.</param>
    /// <param name="replacement">The new sink; its last stage gets the name.</param>
    /// <exception cref="KeyNotFoundException">There is no node of this name.</exception>
    /// <exception cref="InvalidOperationException">The node is no sink of this type.</exception>
    public Pipeline Replace<T>(string name, Sink<T> replacement)
    {
        ArgumentNullException.ThrowIfNull(replacement);
        return Replaced(name, replacement.Pipe);
    }

    private Pipeline Replaced(string name, object replacement)
    {
        ArgumentNullException.ThrowIfNull(replacement);
        TopologyRecorder drawn = RunBuilder.Draw(this);
        int number = drawn.NumberOf(drawn.Topology.Find(name));
        return new Pipeline(Tail.Rewrite(new NodeReplacer(number, name, replacement, SharedFinder.In(Tail))));
    }
}
