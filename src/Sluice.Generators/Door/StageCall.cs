using System.Collections.Immutable;

namespace Sluice.Generators;

/// <summary>
/// One stage as it is written: <c>left | right</c>, or <c>left.Select(right)</c>. Both are calls of a method of Sluice with functions among
/// its arguments; what the rules need is independent of which of the two it is.
/// </summary>
internal sealed class StageCall
{
    private StageCall(IOperation operation, IMethodSymbol method, ImmutableArray<(IParameterSymbol, IOperation)> arguments)
    {
        Operation = operation;
        Method = method;
        Arguments = arguments;
    }

    public IOperation Operation { get; }

    public IMethodSymbol Method { get; }

    /// <summary>Parameters as the method declares them (with its type parameters), and the values given.</summary>
    public ImmutableArray<(IParameterSymbol Declared, IOperation Value)> Arguments { get; }

    public static StageCall? From(IOperation? operation, SluiceSymbols symbols) => operation switch
    {
        IBinaryOperation { OperatorMethod: { Parameters.Length: 2 } method } binary when symbols.IsOurs(method) =>
            new(binary, method,
            [
                (method.OriginalDefinition.Parameters[0], binary.LeftOperand),
                (method.OriginalDefinition.Parameters[1], binary.RightOperand),
            ]),
        IInvocationOperation { TargetMethod: var method } call when symbols.IsOurs(method) =>
            new(call, method,
            [
                .. call.Arguments.Where(argument => argument.Parameter is not null)
                    .Select(argument => (argument.Parameter!.OriginalDefinition, argument.Value)),
            ]),
        _ => null,
    };

    /// <summary>
    /// The arguments whose results become the items of the stage: what the declared function returns (or its task yields) is the declared
    /// item of the result. So <c>Func&lt;A, B&gt;</c> of a map counts, the predicate of a <c>Where</c> and the key of a <c>GroupBy</c> do
    /// not.
    /// </summary>
    public IEnumerable<(INamedTypeSymbol Delegate, IOperation Value)> Maps(SluiceSymbols symbols)
    {
        if (symbols.ItemOf(Method.OriginalDefinition.ReturnType) is not ITypeParameterSymbol item) yield break;
        foreach (var (declared, value) in Arguments)
        {
            if (declared.Type is not INamedTypeSymbol { DelegateInvokeMethod: { ReturnsVoid: false } invoke }) continue;
            if (!SluiceSymbols.Same(symbols.Awaited(invoke.ReturnType), item)) continue;
            if (value.Type is INamedTypeSymbol { DelegateInvokeMethod: not null } given) yield return (given, value);
        }
    }

    /// <summary>The function itself where it is written in place: a lambda or a method group.</summary>
    public static IOperation? Written(IOperation value) => value switch
    {
        IConversionOperation conversion => Written(conversion.Operand),
        IDelegateCreationOperation creation => creation.Target,
        _ => null,
    };

    /// <summary>The stage that this one is the input of, when it follows in the same expression.</summary>
    public StageCall? Next(SluiceSymbols symbols)
    {
        var parent = Operation.Parent;
        while (parent is IConversionOperation or IArgumentOperation or IParenthesizedOperation) parent = parent.Parent;
        return From(parent, symbols);
    }
}
