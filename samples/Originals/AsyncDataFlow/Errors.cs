using Sluice.Graphs;

namespace Originals.AsyncDataFlow;

/// <summary>The original's errors, each where ours finds it: by the compiler, where the flow is defined, before a run calls anything, or in
/// the run.</summary>
internal static class Errors
{
    private static (int x, int unused) One() => (1, 0);

    private static (int x, int unused) Other() => (2, 0);

    private static void ByReference(ref int a) => a++;

    private static (int b, int unused) Foo(int a) => (a, 0);

    public static async Task RunAsync()
    {
        // DataFlowMergeResultError: two functions give one name different values.
        await Check.ThrowsAsync<MergeConflictException>(async () => await DataFlow.From(One, Other).RunAsync(), "x");
        // DataFlowFunctionArgsError: an argument that cannot be passed by name.
        await Check.ThrowsAsync<DataFlowException>(() => Task.FromResult(DataFlow.From(ByReference)), "ByReference");
        // DataFlowEmptyError.
        await Check.ThrowsAsync<DataFlowException>(() => Task.FromResult(DataFlow.From()), "");
        // ArgsMapperInputKeyError, ArgsMapperOutputKeyError: names that the function does not have.
        await Check.ThrowsAsync<DataFlowException>(() => Task.FromResult(DataFlow.From(DataFlow.Function(Foo).RenameInput("z", "in"))),
            "z");
        await Check.ThrowsAsync<DataFlowException>(() => Task.FromResult(DataFlow.From(DataFlow.Function(Foo).RenameOutput("z", "out"))),
            "z");
        // ArgsMapperArgsError: an argument is missing.
        await Check.ThrowsAsync<DataFlowException>(async () => await (DataFlow.From(Foo) | Foo).RunAsync(new { q = "text" }),
            "Foo takes a");
        // DataFlowNotCallableError, DataFlowNotTupleError, DataFlowFunctionResultError: the compiler refuses the first two; any result is
        // named here.
    }
}
