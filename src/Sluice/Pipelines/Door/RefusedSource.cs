using System.ComponentModel;
using Sluice.Pipelines;

namespace Sluice;

/// <summary>The result of an operator that the compiler refuses. No program has one.</summary>
/// <typeparam name="T">The type of the items before the operator.</typeparam>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class RefusedSource<T> : Source<T>
{
    private protected RefusedSource() { }

    /// <summary>Fits where a pipeline is expected: the operator has its error already.</summary>
    /// <param name="source">The result of a refused operator.</param>
    public static implicit operator Pipeline(RefusedSource<T> source) => throw CompileErrors.Refused();
}
