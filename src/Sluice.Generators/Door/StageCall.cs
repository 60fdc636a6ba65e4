using System.Collections.Immutable;

namespace Sluice.Generators;

/// <summary>
/// A stage as it is written: <c>left | right</c>, or <c>left.Select(right)</c>. Both call a method of Sluice with functions as arguments,
/// so the rules treat them alike.
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

    /// <summary>The parameters as the method declares them, with its type parameters, and their values.</summary>
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

    /// <summary>The arguments whose results become the items of the stage.</summary>
    /// <remarks>
    /// The declared return type of such a function, or of its task, is the declared item type of the result. So <c>Func&lt;A, B&gt;</c> of
    /// a map counts; the predicate of a <c>Where</c> and the key of a <c>GroupBy</c> do not.
    /// </remarks>
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

    /// <summary>The function, if it is written in place: a lambda or a method group.</summary>
    public static IOperation? Written(IOperation value) => value switch
    {
        IConversionOperation conversion => Written(conversion.Operand),
        IDelegateCreationOperation creation => creation.Target,
        _ => null,
    };

    /// <summary>The next stage in the same expression; null if there is none.</summary>
    public StageCall? Next(SluiceSymbols symbols)
    {
        var parent = Operation.Parent;
        while (parent is IConversionOperation or IArgumentOperation or IParenthesizedOperation) parent = parent.Parent;
        return From(parent, symbols);
    }
}
