using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>A stage of a <see cref="DataFlow"/>: functions that run side by side. Immutable; made by brackets, <c>[LogAsync, Notify]</c>.</summary>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
[CollectionBuilder(typeof(DataFlowStage), nameof(Create))]
public sealed class DataFlowStage
{
    internal DataFlowStage(object[] all) => All = all;

    /// <summary>Functions and flows.</summary>
    internal object[] All { get; }

    /// <summary>Makes a stage of its members: what a collection expression calls.</summary>
    /// <exception cref="DataFlowException">There are none, or one of them is no function that values can be bound to.</exception>
    public static DataFlowStage Create(ReadOnlySpan<Delegate> functions) => new(Members(functions));

    /// <summary>The members, as a collection.</summary>
    public IEnumerator<Delegate> GetEnumerator() => All.Select(member => member is DataFlow flow ? flow.ToDelegate() : ((DataFlowFunction)member).ToDelegate()).GetEnumerator();

    /// <summary>Reads like the definition: <c>(LogAsync, Notify)</c>.</summary>
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
                throw new DataFlowException($"A lambda has no name that a person could read ({function.Signature!.Method.Name}), and results are named after functions. Give it one: DataFlow.Function(…).Named(\"…\").");
            if (function is { Choices: { } choices, Key: null })
                throw new DataFlowException($"{function.Name} has several implementations, and none is chosen. Write {function.Name}[\"{choices[0].Key}\"], or say by which value runs choose: DataFlow.Dispatch(\"{function.Name}\", \"key\", …).");
            function.CheckOutputs();
        }
        return members;
    }
}
