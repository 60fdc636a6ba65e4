namespace Sluice.Generators;

/// <summary>Walks over the body of a function, without the functions nested in it.</summary>
internal static class FunctionBody
{
    public static IEnumerable<IOperation> Own(IOperation body)
    {
        foreach (var child in body.ChildOperations)
        {
            if (child is IAnonymousFunctionOperation or ILocalFunctionOperation) continue;
            yield return child;
            foreach (var below in Own(child)) yield return below;
        }
    }

    /// <summary>The expressions that the lambda returns.</summary>
    public static IEnumerable<IOperation> Results(IAnonymousFunctionOperation lambda) =>
        Own(lambda.Body).OfType<IReturnOperation>().Select(result => result.ReturnedValue).OfType<IOperation>();

    /// <summary>Calls whose task is neither awaited, returned, kept nor discarded with <c>_ =</c>.</summary>
    public static IEnumerable<IOperation> DroppedTasks(IOperation body, SluiceSymbols symbols) =>
        Own(body).OfType<IExpressionStatementOperation>()
            .Select(statement => Bare(statement.Operation))
            .Where(dropped => dropped is IInvocationOperation or IConditionalAccessOperation && symbols.IsTask(dropped.Type));

    /// <summary>The value without implicit conversions.</summary>
    public static IOperation Bare(IOperation value)
    {
        while (value is IConversionOperation { IsImplicit: true } or IParenthesizedOperation)
            value = value is IConversionOperation conversion ? conversion.Operand : ((IParenthesizedOperation)value).Operand;
        return value;
    }
}
