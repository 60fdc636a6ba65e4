namespace Sluice.Shared;

/// <summary>Refuses a sink whose node was a sink of another kind before. What the other sink has committed keeps the partitions with their
/// member, and nothing takes back its last commit if a crash has left that in doubt.</summary>
internal static class FormerSinkKind
{
    /// <param name="state">The state of the sink.</param>
    /// <param name="isOwn">Whether a name in <see cref="SinkState.FileLengths"/> is one of this kind of sink.</param>
    /// <exception cref="InvalidDataException">The store has a name of another kind.</exception>
    public static void Refuse(SinkState state, Func<string, bool> isOwn)
    {
        if (state.FileLengths.Keys.FirstOrDefault(name => !isOwn(name)) is not { } other) return;
        throw new InvalidDataException(
            $"The node {state.Node} of {state.Consecutor} was a sink of another kind before: the store has its '{other.Split('\n')[0]}'. "
                + "Give the sink another name (Stage.Named). The next start says how the store forgets the earlier sink.");
    }
}
