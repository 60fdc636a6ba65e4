using Sluice.Topologies;

namespace Sluice.Engine;

/// <summary>The stack of the thread that builds or rewrites a pipeline: each stage is built inside of the one behind it.</summary>
internal static class StageStack
{
    /// <summary>Checks that the stack has room for another stage.</summary>
    /// <exception cref="InvalidTopologyException">It has none.</exception>
    public static void Ensure()
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new InvalidTopologyException(
                "The pipeline has too many stages in a row: the stack of this thread has no room for another one. Put steps that a loop "
                    + "makes into one function, which loops over them.");
    }
}
