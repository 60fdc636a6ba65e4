using System.Reflection;

namespace Sluice.Flows;

/// <summary>Finds the method that a <see cref="DependsAttribute"/> names.</summary>
[RequiresUnreferencedCode("Looks for methods by name.")]
internal static class DependencyFinder
{
    private const BindingFlags All = BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic
        | BindingFlags.FlattenHierarchy;

    /// <param name="depends">The attribute.</param>
    /// <param name="user">The function with the parameter.</param>
    /// <param name="target">The object of that function; null if it is static.</param>
    /// <returns>The method and its object; or a null method and the problem, for people.</returns>
    public static (MethodInfo? Method, object? Target, string Problem) Find(DependsAttribute depends, MethodInfo user, object? target)
    {
        Type[] types = depends.Type is { } said ? [said] : [.. Around(user.DeclaringType)];
        MethodInfo[] found = [.. types.SelectMany(type => type.GetMethods(All)).Where(method => IsNamed(method, depends.Method))
            .Distinct()];
        if (depends.Type is null && found.Length > 1 && Outer(user) is { } outer
            && found.Where(method => Outer(method) == outer).ToArray() is { Length: > 0 } beside) found = beside;
        string where = TypeNames.Of(types[^1]);
        if (found.Length == 0)
            return (null, null, $"depends on {depends.Method}, which is neither a method of {where} nor a static local function there");
        if (found.Length > 1)
            return (null, null, $"depends on {depends.Method}, of which {where} has {found.Length}. Give one of them another name");
        MethodInfo method = found[0];
        if (method.ContainsGenericParameters) return (null, null, $"depends on {depends.Method}, which has type parameters");
        if (method.Name.StartsWith('<') && Array.Exists(method.GetParameters(), parameter => parameter.ParameterType.IsByRef))
            return (null, null, $"depends on {depends.Method}, a local function that captures variables. Make it static");
        if (method.IsStatic) return (method, null, "");
        return method.DeclaringType!.IsInstanceOfType(target) ? (method, target, "")
            : (null, null,
            $"depends on {depends.Method} of {TypeNames.Of(method.DeclaringType)}, which is not static, and there is no object of that "
                + $"type. Make it static");
    }

    /// <summary>
    /// Compilers nest lambdas and capturing local functions in generated types, so this also yields the type around those.
    /// </summary>
    private static IEnumerable<Type> Around(Type? type)
    {
        for (; type is not null; type = type.DeclaringType)
        {
            yield return type;
            if (!type.Name.Contains('<', StringComparison.Ordinal)) yield break;
        }
    }

    // The compiler names a local function F in M: <M>g__F|0_0.
    private static bool IsNamed(MethodInfo method, string name)
        => method.Name == name || method.Name.Contains($">g__{name}|", StringComparison.Ordinal);

    private static string? Outer(MethodInfo method)
        => method.Name.StartsWith('<') ? method.Name[..(method.Name.IndexOf('>', StringComparison.Ordinal) + 1)] : null;
}
