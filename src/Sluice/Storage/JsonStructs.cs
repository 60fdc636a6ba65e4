using System.Reflection;
using System.Text.Json.Serialization.Metadata;

namespace Sluice.Storage;

/// <summary>
/// Holds structures to the parameters of their constructor. JSON does not call it, unless it has the attribute: it makes an empty structure
/// and sets the members. So a missing member would be zero.
/// </summary>
internal static class JsonStructs
{
    /// <summary>Makes members for parameters without a default required, as they are for classes; others get the default.</summary>
    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "docs/payloads.md says what to do if the constructor is trimmed.")]
    public static void Require(JsonTypeInfo type)
    {
        if (type.Properties.Any(static one => one.AssociatedParameter is { IsMemberInitializer: false })) return;      // it calls one
        ParameterInfo[][] constructors = [.. type.Type.GetConstructors().Select(static one => one.GetParameters())];
        if (Array.Exists(constructors, static one => one.Length == 0)) return;                  // its author gives the initial values
        ParameterInfo[][] fitting = Array.FindAll(constructors, one => Array.TrueForAll(one, each => MemberFor(type, each) is not null));
        if (fitting is not [var only]) return;
        Func<object>? create = type.CreateObject;
        List<(Action<object, object?> Set, object Value)> defaults = [];
        foreach (ParameterInfo parameter in only)
        {
            JsonPropertyInfo member = MemberFor(type, parameter)!;
            if (member.Set is not { } set || member.IsExtensionData || JsonForm.IsLeftOut(member)) continue;
            if (!parameter.HasDefaultValue) member.IsRequired = true;
            else if (ParameterDefault.Of(parameter) is { } value)
            {
                if (create is null) member.IsRequired = true;                                   // there is no way to give the default
                else defaults.Add((set, value));
            }
        }
        if (create is null || defaults.Count == 0) return;
        type.CreateObject = () =>
        {
            object made = create();
            foreach (var (set, value) in defaults) set(made, value);
            return made;
        };
    }

    private static JsonPropertyInfo? MemberFor(JsonTypeInfo type, ParameterInfo parameter) => type.Properties.FirstOrDefault(one
        => one.PropertyType == parameter.ParameterType && one.AttributeProvider is System.Reflection.MemberInfo member
        && member.Name.Equals(parameter.Name, StringComparison.OrdinalIgnoreCase));
}
