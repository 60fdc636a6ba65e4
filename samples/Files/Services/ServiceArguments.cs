namespace Files.Services;

/// <summary>The hidden command line of a service, which <see cref="Driving"/> starts: <c>[service] ROLE NAME</c>. The connection string
/// stands in a variable of its environment, as it may have a password.</summary>
internal sealed record ServiceArguments(string Role, StoreChoice Store, string Name)
{
    private const string Mark = "[service]";
    private const string Variable = "FILES_STORE";

    /// <summary>Where the store is, for the environment of the service.</summary>
    public (string Name, string Value) Environment => (Variable, Store.ToString());

    public string[] ToArguments() => [Mark, Role, Name];

    /// <summary>Null if this is not one of the services.</summary>
    public static ServiceArguments? Find(string[] arguments)
        => arguments is [Mark, var role, var name] && System.Environment.GetEnvironmentVariable(Variable) is { } store
        ? new(role, StoreChoice.Parse(store), name) : null;
}
