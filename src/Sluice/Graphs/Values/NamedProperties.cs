using System.Reflection;

namespace Sluice.Graphs;

/// <summary>The properties by whose names a value is taken apart, or an object is made.</summary>
internal static class NamedProperties
{
    /// <summary>Those that can be read as values; of one name the one that the most derived type declares, as C# would take it.</summary>
    public static PropertyInfo[] Readable([DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicProperties)] Type type)
        => Array.FindAll(Of(type), property => property.GetMethod is { IsPublic: true } && !property.PropertyType.IsByRefLike
        && !property.PropertyType.IsPointer);

    /// <summary>Those that can be set; of one name the one that the most derived type declares.</summary>
    public static PropertyInfo[] Settable([DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicProperties)] Type type)
        => Array.FindAll(Of(type), property => property.SetMethod is { IsPublic: true });

    /// <summary>The value of a property.</summary>
    /// <exception cref="InvalidOperationException">Its getter throws: the message names the property and says what; that exception is
    /// within.</exception>
    public static object? Read(PropertyInfo property, object? owner)
    {
        try
        {
            return property.GetMethod!.Invoke(owner, BindingFlags.DoNotWrapExceptions, null, null, null);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException(
                $"The property {property.Name} of {TypeNames.Of(property.DeclaringType!)} cannot be read: {e.GetType().Name}: "
                + $"{FailureText.MessageOf(e)} "
                    + $"Values are taken apart by their properties: let it return something, or wrap the value.", e);
        }
    }

    private static PropertyInfo[] Of([DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicProperties)] Type type)
    {
        PropertyInfo[] all = Array.FindAll(type.GetProperties(BindingFlags.Public | BindingFlags.Instance),
            property => property.GetIndexParameters().Length == 0);
        return Array.FindAll(all, property => !Array.Exists(all, other => other.Name == property.Name
            && other.DeclaringType!.IsSubclassOf(property.DeclaringType!)));
    }
}
