namespace Sluice;

/// <summary>A named output of a node, whatever its type.</summary>
internal interface INamedOutput
{
    string Name { get; }

    /// <summary>What goes there.</summary>
    Type Type { get; }
}

/// <summary>Knows the named outputs of a node; asked only when somebody wants one, as that may take an instance of the node.</summary>
internal interface IHasOutputs
{
    IReadOnlyCollection<INamedOutput> NamedOutputs { get; }
}
