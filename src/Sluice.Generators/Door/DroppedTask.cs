namespace Sluice.Generators;

/// <summary>Recognises a task that the code neither awaits nor keeps.</summary>
internal static class DroppedTask
{
    /// <summary>The value that the code makes of the task of a call: the task itself, or what <c>AsTask</c>, <c>ConfigureAwait</c> or
    /// <c>Preserve</c> make of it, with a <c>?.</c> before the call.</summary>
    public static IOperation Whole(IOperation call)
    {
        IOperation value = call;
        while (true)
            switch (value.Parent)
            {
                case IInvocationOperation { TargetMethod.Name: "AsTask" or "ConfigureAwait" or "Preserve" } next
                    when next.Instance == value:
                    value = next;
                    break;
                case IConditionalAccessOperation access when access.WhenNotNull == value:
                    value = access;
                    break;
                default:
                    return value;
            }
    }

    public static bool IsStatement(IOperation value) => value.Parent is IExpressionStatementOperation;

    /// <summary>Whether the value goes into a local that is not used. One named <c>_</c> says that the value is not wanted.</summary>
    public static bool IsUnused(IOperation value)
        => value.Parent is IVariableInitializerOperation { Parent: IVariableDeclaratorOperation { Symbol: var local } } initializer
        && local.Name != "_" && !IsUsed(local, initializer);

    /// <summary>The text that awaits the value.</summary>
    public static string Awaiting(IOperation value)
        => value is IConditionalAccessOperation access
        ? $"if ({access.Operation.Syntax} is not null) await {StageText.Short(access.Syntax).Replace("?.", ".")}"
        : $"await {StageText.Short(value.Syntax)}";

    private static bool IsUsed(ILocalSymbol local, IOperation within)
    {
        while (within.Parent is not null) within = within.Parent;
        return within.Descendants().OfType<ILocalReferenceOperation>().Any(use => SluiceSymbols.Same(use.Local, local));
    }
}
