using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>What a parameter of <c>params</c> gets where nothing is given: an empty collection, as the compiler would make it. One that can be changed is new in each call.</summary>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
internal sealed class EmptyCollections
{
    private readonly Array? shared;                  // of no elements, so that nobody can change it
    private readonly Type? made;

    private EmptyCollections(Array? shared, Type? made) => (this.shared, this.made) = (shared, made);

    public object Empty => (object?)shared ?? Activator.CreateInstance(made!)!;

    /// <returns>Null where a call cannot leave the parameter out.</returns>
    // Where code cannot be compiled there are arrays and lists of references, and of those structures that the program has some of itself; others fail here, when the flow is made, and are to be given.
    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "What is not there fails when the flow is made.")]
    public static EmptyCollections? Of(ParameterInfo parameter)
    {
        Type type = parameter.ParameterType;
        if (type.IsArray && parameter.IsDefined(typeof(ParamArrayAttribute), inherit: false)) return new(Array.CreateInstanceFromArrayType(type, 0), null);
        if (!parameter.IsDefined(typeof(ParamCollectionAttribute), inherit: false)) return null;
        if (!type.IsInterface) return type.IsValueType || type.GetConstructor(Type.EmptyTypes) is not null ? new(null, type) : null;
        Type element = type.GenericTypeArguments[0];
        Type list = typeof(List<>).MakeGenericType(element);
        return type.GetGenericTypeDefinition() == typeof(IList<>) || type.GetGenericTypeDefinition() == typeof(ICollection<>)
            ? new(null, list)
            : new(Array.CreateInstanceFromArrayType(element.MakeArrayType(), 0), null);
    }
}
