using System.Linq;

namespace Sluice.Generators;

/// <summary>Calls a step that is an override.</summary>
/// <remarks>
/// Overload resolution prefers methods that are declared in the derived type, and does not count overrides there. Another overload in the
/// derived type would be called instead, so the step is called through the type that declares it first.
/// </remarks>
internal static class StepOverride
{
    /// <summary>The reason why it might not be called; null if it certainly is.</summary>
    public static string? Problem(IMethodSymbol method)
        => HasRivals(method) && !CanBeCast(method)
        ? "it is an override that is protected, or returns another type than what it overrides, and an overload beside it might be called "
        + "in its place" : null;

    public static string Receiver(IMethodSymbol method, string target)
        => HasRivals(method) ? $"(({StepNames.Of(First(method).ContainingType)}){target})" : target;

    private static bool CanBeCast(IMethodSymbol method)
        => method.DeclaredAccessibility is Accessibility.Public or Accessibility.Internal
        && SymbolEqualityComparer.Default.Equals(First(method).ReturnType, method.ReturnType);

    private static bool HasRivals(IMethodSymbol method)
    {
        INamedTypeSymbol declaring = First(method).ContainingType;
        for (INamedTypeSymbol? type = method.ContainingType; method.IsOverride && type is not null
            && !SymbolEqualityComparer.Default.Equals(type, declaring); type = type.BaseType)
            if (type.GetMembers(method.Name).Any(member => member is not IMethodSymbol { IsOverride: true })) return true;
        return false;
    }

    private static IMethodSymbol First(IMethodSymbol method)
    {
        while (method.OverriddenMethod is { } overridden) method = overridden;
        return method;
    }
}
