using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Sluice.Architecture.Tests;

/// <summary>
/// A class of the consecutor takes only the objects that it uses. A class may take the whole core only if it uses many of them.
/// </summary>
public class ConsecutorCoreTests
{
    private const string Core = "ConsecutorCore";
    private const int Fewest = 4;

    // These classes are about whole consecutors: how they are connected, and which one a run belongs to.
    private static readonly string[] AboutConsecutors =
        ["OutputTarget", "OutputGraph", "BatchListeners", "ConsecutorOutput", "LeaseSource"];

    [Fact]
    public void AClassThatTakesTheWholeConsecutorUsesMuchOfIt()
    {
        var uses = Repository.Files("src/Sluice/Delivery", "*.cs").SelectMany(UsesOfCore)
            .GroupBy(static use => use.Class, static use => use.Member)
            .ToDictionary(static uses => uses.Key, static uses => uses.Where(static member => member is not null).Distinct().Count());
        var few = uses.Where(use => use.Value < Fewest && !AboutConsecutors.Contains(use.Key))
            .Select(use => $"{use.Key} uses {use.Value} of its objects").ToList();

        Assert.True(uses.Count > 10, "The test has found too few classes.");
        Assert.True(few.Count == 0, $"Give these classes the objects that they use, instead of {Core}:\n{string.Join('\n', few)}");
    }

    /// <summary>The members of the core that the classes of a file use by a name of their own; the member is null where the core is
    /// taken.</summary>
    private static IEnumerable<(string Class, string? Member)> UsesOfCore(string path)
    {
        SyntaxNode root = Compiler.Tree(path).GetRoot();
        foreach (TypeDeclarationSyntax type in root.DescendantNodes().OfType<TypeDeclarationSyntax>()
            .Where(static type => type.Parent is not TypeDeclarationSyntax && type.Identifier.Text != Core))
        {
            string name = type.Identifier.Text;
            if (type.DescendantNodes().OfType<ParameterSyntax>().Any(static parameter => parameter.Type?.ToString() == Core))
                yield return (name, null);
            foreach (MemberAccessExpressionSyntax use in type.DescendantNodes().OfType<MemberAccessExpressionSyntax>()
                .Where(static use => use.Expression.ToString() is "core" or "this.core" or "Core"))
                yield return (name, use.Name.Identifier.Text);
        }
    }
}
