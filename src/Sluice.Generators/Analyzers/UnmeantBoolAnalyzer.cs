using System.Collections.Immutable;

namespace Sluice.Generators;

/// <summary>
/// SLU004: an unintended bool: <c>source | set.Add</c> looks like a sink but is a map to <c>bool</c>, because <c>Add</c> returns whether it
/// did something.
/// </summary>
/// <remarks>It recognises such a method by its verb: a method on an object whose name says that it changes the object.</remarks>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class UnmeantBoolAnalyzer() : OperationAnalyzer(Rules.UnmeantBool, OperationKind.Binary, OperationKind.Invocation)
{
    private static readonly ImmutableHashSet<string> ChangingVerbs = ImmutableHashSet.Create(StringComparer.Ordinal,
        "Add", "AddOrUpdate", "Append", "Delete", "Enqueue", "Insert", "Post", "Publish", "Push", "Put", "Remove", "Save", "Send", "Set",
        "Store", "Unset", "Update", "Upsert", "Write");

    private protected override void Check(OperationAnalysisContext context, SluiceSymbols symbols)
    {
        if (StageCall.From(context.Operation, symbols) is not { } stage) return;
        foreach (var (given, value) in stage.Maps(symbols))
        {
            if (!IsBool(given.DelegateInvokeMethod!.ReturnType, symbols)) continue;
            switch (StageCall.Written(value))
            {
                case IMethodReferenceOperation group when Changes(group.Method, symbols):
                    Report(context, group, group.Method);
                    break;
                case IAnonymousFunctionOperation lambda:
                    foreach (var result in FunctionBody.Results(lambda))
                        if (CallIn(result) is { } call && Changes(call.TargetMethod, symbols)) Report(context, call, call.TargetMethod);
                    break;
            }
        }
    }

    private void Report(OperationAnalysisContext context, IOperation at, IMethodSymbol method)
    {
        var call = at is IInvocationOperation ? at.Syntax.ToString() : $"{at.Syntax}(x)";
        var sink = method.ReturnType.SpecialType == SpecialType.System_Boolean ? $"x => {{ {call}; }}" : $"async x => {{ await {call}; }}";
        context.ReportDiagnostic(Violation(at.Syntax,
            $"'{method.Name}' changes something and returns whether it did, so the items of this stage are its bools; for a sink drop the "
                + $"result ('{sink}'), for a filter use 'Where'"));
    }

    /// <summary>The call whose result is returned unchanged. <c>!set.Add(x)</c> or a comparison shows that the bool is intended.</summary>
    private static IInvocationOperation? CallIn(IOperation result) => FunctionBody.Bare(result) switch
    {
        IInvocationOperation call => call,
        IAwaitOperation awaited => CallIn(awaited.Operation),
        IConditionalAccessOperation access => CallIn(access.WhenNotNull),
        _ => null,
    };

    private static bool Changes(IMethodSymbol method, SluiceSymbols symbols)
    {
        if (method.IsStatic && !method.IsExtensionMethod && method.ReducedFrom is null) return false;
        if (!IsBool(method.ReturnType, symbols)) return false;
        var verb = method.Name;
        if (verb.EndsWith("Async", StringComparison.Ordinal)) verb = verb.Substring(0, verb.Length - "Async".Length);
        if (verb.StartsWith("Try", StringComparison.Ordinal)) verb = verb.Substring("Try".Length);
        return ChangingVerbs.Contains(verb);
    }

    private static bool IsBool(ITypeSymbol type, SluiceSymbols symbols) =>
        symbols.Awaited(type).SpecialType == SpecialType.System_Boolean;
}
