namespace Sluice.Engine;

/// <summary>A named output of a node, without its item type.</summary>
internal interface INamedOutput
{
    string Name { get; }

    /// <summary>The type of its items.</summary>
    Type Type { get; }
}

/// <summary>Lists the named outputs of a node. Evaluated only on demand, as it may create an instance of the node.</summary>
internal interface IHasOutputs
{
    IReadOnlyCollection<INamedOutput> NamedOutputs { get; }
}
