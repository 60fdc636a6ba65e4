namespace Sluice;

/// <summary>A named output of a node, whatever its type.</summary>
internal interface INamedOutput
{
    string Name { get; }

    /// <summary>What goes there.</summary>
    Type Type { get; }
}
