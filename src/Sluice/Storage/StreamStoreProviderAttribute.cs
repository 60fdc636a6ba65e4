namespace Sluice.Storage;

/// <summary>Says that an assembly has a store, and by which scheme settings name it.</summary>
/// <remarks>For the packages of Sluice: settings know the schemes of these packages only. For another store, open it in code
/// (<c>UseStore(open, name)</c> in Sluice.Hosting).</remarks>
/// <param name="scheme">The scheme, such as <c>sqlite</c>: letters in lower case.</param>
/// <param name="provider">A <see cref="StreamStoreProvider"/> with a public constructor without parameters.</param>
[AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
public sealed class StreamStoreProviderAttribute(
    string scheme, [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicParameterlessConstructor)] Type provider) : Attribute
{
    /// <summary>The scheme.</summary>
    public string Scheme => scheme;

    /// <summary>The type of the provider.</summary>
    [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicParameterlessConstructor)]
    public Type Provider => provider;
}
