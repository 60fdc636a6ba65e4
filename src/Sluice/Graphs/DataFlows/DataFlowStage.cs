namespace Sluice.Graphs;

/// <summary>
/// A stage of a <see cref="DataFlow"/>: functions that run side by side, written in brackets: <c>[LogAsync, Notify]</c>. Immutable.
/// </summary>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
[CollectionBuilder(typeof(DataFlowStage), nameof(Create))]
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class DataFlowStage
{
    internal DataFlowStage(object[] all) => All = all;

    /// <summary>The members: functions and flows.</summary>
    internal object[] All { get; }

    /// <summary>Makes a stage from its members; for collection expressions.</summary>
    /// <exception cref="DataFlowException">There are no members, or values cannot be bound to one of them.</exception>
    public static DataFlowStage Create(ReadOnlySpan<Delegate> functions) => new(Members(functions));

    /// <summary>Enumerates the members.</summary>
    public IEnumerator<Delegate> GetEnumerator() => All.Select(member => member is DataFlow flow ? flow.ToDelegate()
        : ((DataFlowFunction)member).ToDelegate()).GetEnumerator();

    /// <summary>Formats the stage like its definition: <c>(LogAsync, Notify)</c>.</summary>
    public override string ToString() => $"({string.Join<object>(", ", All)})";

    internal static object[] Members(ReadOnlySpan<Delegate> functions)
    {
        if (functions.IsEmpty) throw new DataFlowException("A stage of the data flow is empty. Give it at least one function.");
        var members = new object[functions.Length];
        for (int i = 0; i < members.Length; i++)
        {
            members[i] = DataFlow.Member(functions[i]);
            if (members[i] is not DataFlowFunction function) continue;
            if (function.Name is null)
                throw new DataFlowException(
                    $"A lambda has no name that a person could read ({function.Signature!.Method.Name}), and results are named after "
                        + $"functions. Give it one: DataFlow.Function(…).Named(\"…\").");
            if (function is { Choices: { } choices, Key: null })
                throw new DataFlowException(
                    $"{function.Name} has several implementations, and none is chosen. Write {function.Name}[\"{choices[0].Key}\"], or "
                        + $"say by which value runs choose: DataFlow.Dispatch(\"{function.Name}\", \"key\", …).");
            function.CheckOutputs();
        }
        return members;
    }
}
