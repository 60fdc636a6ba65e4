using System.Collections.Generic;
using System.Linq;
using System.Text;
using Microsoft.CodeAnalysis.Text;

namespace Sluice.Walls;

/// <summary>Generates overloads that repeat a handwritten one: methods and operators of sources for pipes, the bracket operators, and
/// functions of four parameters for fewer. The attributes in <c>src/Sluice/Walls.cs</c> mark the originals.</summary>
[Generator(LanguageNames.CSharp)]
public sealed class WallGenerator : IIncrementalGenerator
{
    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        var methods = context.SyntaxProvider
            .ForAttributeWithMetadataName("Sluice.AlsoForPipesAttribute", static (node, _) => node is MethodDeclarationSyntax,
            static (found, _) => PipeMethod.Write(found))
            .Collect();
        context.RegisterSourceOutput(methods, static (output, all) =>
        {
            foreach (var ofFile in all.GroupBy(method => (method.Name, method.Head, method.Foot)))
                Add(output, new(ofFile.Key.Name, ofFile.Key.Head, string.Join("\n", ofFile.Select(method => method.Members)),
                    ofFile.Key.Foot));
        });
        var operators = context.SyntaxProvider
            .ForAttributeWithMetadataName("Sluice.AlsoForPipesAttribute", static (node, _) => node is ClassDeclarationSyntax,
            static (found, _) => OperatorWalls.Write(found))
            .SelectMany(static (walls, _) => walls);
        context.RegisterSourceOutput(operators, Add);
        var arities = context.SyntaxProvider
            .ForAttributeWithMetadataName("Sluice.AlsoWithFewerAttribute", static (_, _) => true,
            static (found, _) => FewerParameters.Write(found))
            .SelectMany(static (walls, _) => walls);
        context.RegisterSourceOutput(arities, Add);
    }

    private static void Add(SourceProductionContext output, WallText wall)
        => output.AddSource($"{wall.Name}.g.cs", SourceText.From(wall.Head + wall.Members + wall.Foot,
        new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)));
}
