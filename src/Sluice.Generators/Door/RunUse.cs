namespace Sluice.Generators;

/// <summary>Decides whether the code uses a started run, or forgets it.</summary>
internal static class RunUse
{
    public static ILookup<ILocalSymbol, IOperation> OfLocals(IOperation block) => block.Descendants().OfType<ILocalReferenceOperation>()
        .ToLookup<ILocalReferenceOperation, ILocalSymbol, IOperation>(use => use.Local, use => use, SymbolEqualityComparer.Default);

    /// <summary>Whether a run is forgotten.</summary>
    /// <remarks>
    /// A run is forgotten if it is dropped, or if only members of it (or of its local) are used that cannot be awaited, such as
    /// <c>Snapshot()</c> and <c>Cancel()</c>. A value that leaves the method (returned, passed, stored, discarded with <c>_ =</c>) is not
    /// judged.
    /// </remarks>
    public static bool IsForgotten(IOperation value, Lazy<ILookup<ILocalSymbol, IOperation>> uses, SluiceSymbols symbols)
        => IsForgotten(value, uses, symbols, new(SymbolEqualityComparer.Default));

    /// <param name="value">The run, or a use of a local that may hold it.</param>
    /// <param name="uses">The uses of all locals.</param>
    /// <param name="symbols">The types of Sluice.</param>
    /// <param name="seen">The locals that are looked at already: locals may be assigned to each other in a circle.</param>
    private static bool IsForgotten(IOperation value, Lazy<ILookup<ILocalSymbol, IOperation>> uses, SluiceSymbols symbols,
        HashSet<ISymbol> seen)
    {
        var parent = value.Parent;
        while (parent is IConversionOperation or IParenthesizedOperation or ICoalesceOperation
               || (parent is IConditionalAccessOperation start && start.WhenNotNull == value)
               || (parent is IConditionalOperation { Type: not null } choice && choice.Condition != value))
        {
            value = parent;
            parent = parent.Parent;
        }

        return parent switch
        {
            IExpressionStatementOperation => true,
            IVariableInitializerOperation { Parent: IVariableDeclaratorOperation declarator } =>
                !IsUsing(declarator) && NobodySees(declarator.Symbol, uses, symbols, seen),
            ISimpleAssignmentOperation { Target: ILocalReferenceOperation target } assignment when assignment.Value == value =>
                assignment.Parent is IExpressionStatementOperation && !IsDisposed(target.Local)
                && NobodySees(target.Local, uses, symbols, seen),
            IInvocationOperation call when call.Instance == value => IsUnseen(call, symbols),
            IPropertyReferenceOperation property when property.Instance == value => IsUnseen(property, symbols),
            IConditionalAccessOperation access when access.Operation == value =>
                MemberOf(access) is { } member && IsUnseen(member, symbols),
            _ => false,
        };
    }

    public static bool IsInAsyncFunction(IOperation operation)
    {
        for (var parent = operation.Parent; parent is not null; parent = parent.Parent)
        {
            switch (parent)
            {
                case IAnonymousFunctionOperation lambda: return lambda.Symbol.IsAsync;
                case ILocalFunctionOperation local: return local.Symbol.IsAsync;
            }
        }

        return operation.SemanticModel?.GetEnclosingSymbol(operation.Syntax.SpanStart) is IMethodSymbol { IsAsync: true };
    }

    private static bool NobodySees(ILocalSymbol local, Lazy<ILookup<ILocalSymbol, IOperation>> uses, SluiceSymbols symbols,
        HashSet<ISymbol> seen) =>
        !seen.Add(local) || uses.Value[local].All(use => IsAssigned(use) || IsForgotten(use, uses, symbols, seen));

    private static bool IsAssigned(IOperation use) => use.Parent is ISimpleAssignmentOperation assignment && assignment.Target == use;

    /// <summary>Whether a member's use tells nothing about the end of the run: its result cannot be awaited, or is dropped.</summary>
    private static bool IsUnseen(IOperation member, SluiceSymbols symbols)
    {
        if (!symbols.IsTask(member.Type) && !IsSequence(member.Type)) return true;
        return (member.Parent is IConditionalAccessOperation access ? access.Parent : member.Parent) is IExpressionStatementOperation;
    }

    /// <summary>Whether it is a sequence: reading an output to its end is a wait for the run, too.</summary>
    private static bool IsSequence(ITypeSymbol? type) =>
        type is not null && type.AllInterfaces.Append(type).Any(known => known.MetadataName is "IAsyncEnumerable`1" or "ChannelReader`1");

    private static IOperation? MemberOf(IConditionalAccessOperation access) => access.WhenNotNull switch
    {
        IInvocationOperation { Instance: IConditionalAccessInstanceOperation } call => call,
        IPropertyReferenceOperation { Instance: IConditionalAccessInstanceOperation } property => property,
        _ => null,
    };

    private static bool IsUsing(IVariableDeclaratorOperation declarator)
    {
        for (var parent = declarator.Parent; parent is not null; parent = parent.Parent)
        {
            if (parent is IUsingDeclarationOperation or IUsingOperation) return true;
            if (parent is IBlockOperation) return false;
        }

        return false;
    }

    private static bool IsDisposed(ILocalSymbol local) => local.IsUsing;
}
