using System.Reflection;

namespace Sluice.Graphs;

/// <summary>
/// The empty collection for a <c>params</c> parameter without arguments, as the compiler makes it. Mutable ones are new for each call.
/// </summary>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
internal sealed class EmptyCollections
{
    private readonly Array? shared;                  // without elements, so it cannot change
    private readonly Type? made;

    private EmptyCollections(Array? shared, Type? made) => (this.shared, this.made) = (shared, made);

    public object Empty => (object?)shared ?? Activator.CreateInstance(made!)!;

    /// <returns>The collection; null if the parameter cannot be omitted.</returns>
    // Without dynamic code there are arrays and lists of references, and of structs that the program uses itself. Others fail here, when
    // the flow is made.
    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "What is not there fails when the flow is made.")]
    public static EmptyCollections? Of(ParameterInfo parameter)
    {
        Type type = parameter.ParameterType;
        if (type.IsArray && parameter.IsDefined(typeof(ParamArrayAttribute), inherit: false))
            return new(Array.CreateInstanceFromArrayType(type, 0), null);
        if (!parameter.IsDefined(typeof(ParamCollectionAttribute), inherit: false)) return null;
        if (!type.IsInterface) return type.IsValueType || type.GetConstructor(Type.EmptyTypes) is not null ? new(null, type) : null;
        Type element = type.GenericTypeArguments[0];
        Type list = typeof(List<>).MakeGenericType(element);
        return type.GetGenericTypeDefinition() == typeof(IList<>) || type.GetGenericTypeDefinition() == typeof(ICollection<>)
            ? new(null, list)
            : new(Array.CreateInstanceFromArrayType(element.MakeArrayType(), 0), null);
    }
}
