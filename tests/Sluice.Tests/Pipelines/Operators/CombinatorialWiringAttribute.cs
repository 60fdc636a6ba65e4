using System.Reflection;
using Xunit.Sdk;
using Xunit.v3;

namespace Sluice.Tests.Pipelines.Operators;

/// <summary>Runs a test with every <see cref="Wiring"/>, combined with every given number.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class CombinatorialWiringAttribute(params int[] counts) : DataAttribute
{
    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker)
    {
        ITheoryDataRow[] rows =
        [
            .. from wiring in Enum.GetValues<Wiring>()
               from row in counts.Length == 0 ? [[wiring]] : counts.Select(count => new object[] { wiring, count })
               select new TheoryDataRow(row),
        ];
        return new(rows);
    }

    public override bool SupportsDiscoveryEnumeration() => true;
}
