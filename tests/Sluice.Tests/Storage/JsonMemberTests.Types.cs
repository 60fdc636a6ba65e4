using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Text.Json.Serialization;

namespace Sluice.Tests.Storage;

// The types of the tests.
[SuppressMessage("Style", "IDE0032", Justification = "The tests are about fields.")]
public partial class JsonMemberTests
{
    internal sealed record Transfer(string To, BigInteger Wei);

    internal sealed class Bag
    {
        public List<string> Tags { get; } = [];
    }

    internal sealed class NamedBag(string name)
    {
        public string Name => name;

        public List<string> Tags { get; } = [];
    }

    internal sealed class Pinned
    {
        public string Name { get; set; } = "";

        public Spot At { get; }
    }

    internal struct Spot
    {
        public int X { get; set; }
    }

    [JsonDerivedType(typeof(OtherBag), "other")]
    internal class AnyBag
    {
        public List<string> Tags { get; } = [];
    }

    internal sealed class OtherBag : AnyBag;

    internal sealed record Failure(string Item, Exception Why);

    internal class Secret(int hidden)
    {
        public int Twice => hidden * 2;
    }

    internal sealed class Inherits() : Secret(1);

    internal sealed class Order
    {
        private readonly List<string> lines = [];

        public string Id { get; set; } = "";

        public IReadOnlyList<string> Lines => lines;

        public void Add(string line) => lines.Add(line);
    }

    internal sealed class OtherNames(string id)
    {
        private readonly List<string> entries = [];

        public string Id { get; } = id;

        public IEnumerable<string> Lines => entries;

        public void Add(string line) => entries.Add(line);
    }

    internal sealed class Wrapped
    {
        private List<string> _lines = [];

        public string Id { get; set; } = "";

        public IReadOnlyCollection<string> Lines => _lines.AsReadOnly();

        public void Clear() => _lines = [];
    }

    internal sealed class Account
    {
        private decimal balance;

        public string Id { get; set; } = "";

        public decimal Balance => balance;

        public void Add(decimal amount) => balance += amount;
    }

    internal class Base
    {
        private readonly HashSet<string> lines = [];

        public IReadOnlyCollection<string> Lines => lines;

        public void Add(string line) => lines.Add(line);
    }

    internal sealed class Derived : Base
    {
        public string Id { get; set; } = "";
    }

    internal sealed class Ticket
    {
        private string m_status = "new";

        public int Number { get; set; }

        public string Status => m_status;

        public void Close() => m_status = "closed";
    }

    internal sealed class Fixed
    {
        public readonly decimal Amount;

        public Fixed()
        {
        }

        public Fixed(decimal amount) => Amount = amount;

        public string Id { get; set; } = "";
    }

    internal sealed class Rectangle
    {
        private readonly object gate = new();

        public double Width { get; set; }

        public double Height { get; set; }

        public double Area
        {
            get
            {
                lock (gate) return Width * Height;
            }
        }
    }

    internal sealed record Computed(string Line)
    {
        private readonly string[] parts = Line.Split(',');
        private string? text;
        private List<string>? isLong;
        private int? hash;

        public int Count { get; init; }

        public List<string> Tags { get; init; } = [];

        public IReadOnlyList<string> Parts => parts;

        public string Text => text ??= $"{Line}: {Count}";

        public IReadOnlyList<string> Long => isLong ??= [.. Tags.Where(static tag => tag.Length > 1)];

        public int Hash => hash ??= Line.Length;

        public IEnumerable<string> Reversed => Tags.AsEnumerable().Reverse();

        public bool Equals(Computed? other) => other?.Line == Line;

        public override int GetHashCode() => Line.Length;
    }

    internal sealed class Ignored
    {
        private readonly List<string> lines = [];

        public string Id { get; set; } = "";

        [JsonIgnore]
        public List<string> Lines => lines;
    }

    internal sealed class Filled
    {
        private readonly List<string> lines = [];

        [JsonObjectCreationHandling(JsonObjectCreationHandling.Populate)]
        public List<string> Lines => lines;
    }

    internal sealed class Given(string id, IReadOnlyList<string> lines)
    {
        private readonly List<string> lines = [.. lines];

        public string Id => id;

        public IReadOnlyList<string> Lines => lines;
    }

    internal sealed class Full
    {
        private List<string> kept = [];

        public List<string> Items
        {
            get => kept;
            set => kept = [.. value];
        }

        public IEnumerable<string> All => kept.AsEnumerable();
    }

    internal sealed class Rows : List<string>
    {
        public string First => this[0];

        [JsonIgnore]
        public string? Note { get; set; }
    }

    internal sealed class Page : List<string>
    {
        public string? Next { get; set; }
    }

    internal sealed class FieldPage : List<string>
    {
        public string? Next = "";
    }

    internal sealed class Headers : Dictionary<string, string>
    {
        public int Version { get; init; }
    }

    [JsonDerivedType(typeof(Cat), "cat")]
    internal abstract class Animal
    {
        public string Name { get; set; } = "";
    }

    internal sealed class Cat : Animal
    {
        public int Lives { get; private set; } = 9;

        public void Fall() => Lives--;
    }

    [JsonDerivedType(typeof(MarkedNot))]
    internal class Unmarked;

    internal sealed class MarkedNot : Unmarked
    {
        public int A { get; set; }
    }

    [JsonDerivedType(typeof(Car), "car")]
    internal abstract class Vehicle(string color)
    {
        public string Color { get; } = color;
    }

    internal sealed class Car(string color) : Vehicle(color);

    [JsonDerivedType(typeof(Shape))]
    [JsonDerivedType(typeof(Circle), "circle")]
    internal class Shape;

    internal sealed class Circle : Shape;

    internal sealed class WithField
    {
        public decimal Amount;

        public string Id { get; set; } = "";
    }

    internal sealed class MarkedFields
    {
        [JsonInclude]
        public int Amount;

        [JsonIgnore]
        public int Scratch;
    }

    internal sealed class InitOnly
    {
        public required string Name { get; init; }

        public int Size { get; init; }
    }
}
