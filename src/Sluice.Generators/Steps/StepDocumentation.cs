using System.Collections.Generic;
using System.Linq;
using System.Xml;
using System.Xml.Linq;

namespace Sluice.Generators;

/// <summary>The documentation of a twin, copied from its method as far as that has some.</summary>
internal sealed class StepDocumentation
{
    private readonly XElement? written;

    private StepDocumentation(XElement? written) => this.written = written;

    /// <summary>Reads the documentation from the source text: the compiler parses it only if a documentation file is requested.</summary>
    public static StepDocumentation Of(SyntaxNode method)
    {
        IEnumerable<string> lines = method.GetLeadingTrivia().ToFullString().Split('\n').Select(line => line.Trim())
            .Where(line => line.StartsWith("///", System.StringComparison.Ordinal))
            .Select(line => line.Substring(3));
        string text = string.Join("\n", lines);
        if (text.Length == 0) return new(null);
        try
        {
            XElement all = XElement.Parse($"<all>{text}</all>", LoadOptions.PreserveWhitespace);
            // References may not resolve where the twin is generated.
            foreach (XElement reference in all.Descendants()
                .Where(element => element.Attribute("cref") is not null || element.Name == "paramref" || element.Name == "typeparamref")
                .ToList())
                reference.ReplaceWith(new XElement("c", (string?)reference.Attribute("cref") ?? (string?)reference.Attribute("name")));
            return new(all);
        }
        catch (XmlException)
        {
            return new(null);                        // the compiler says what is wrong with it, at the method
        }
    }

    public string Summary(string otherwise) => Inner(written?.Element("summary")) ?? otherwise;

    public string Parameter(string name, string otherwise)
        => Inner(written?.Elements("param").FirstOrDefault(element => (string?)element.Attribute("name") == name)) is { } text
        ? $"{text} {otherwise}" : otherwise;

    private static string? Inner(XElement? element)
    {
        if (element is null) return null;
        string text = string.Concat(element.Nodes().Select(node => node.ToString(SaveOptions.DisableFormatting)));
        text = string.Join(" ", text.Split(['\n', ' '], System.StringSplitOptions.RemoveEmptyEntries));
        return text.Length == 0 ? null : text;
    }
}
